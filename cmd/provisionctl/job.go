package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
)

// job is one run of the program.
type job struct {
	order
	surroundings
	client *client
}

// do carries out the order and returns the exit code.
func (j *job) do(ctx context.Context) int {
	switch {
	case j.command.name == connectorsCommand:
		return j.connectors()
	case j.command.name == "terminate":
		return j.terminate(ctx)
	case j.file == "":
		return j.follow(ctx)
	case j.command.name == "validate" && !j.deep:
		return j.check(ctx)
	default:
		return j.submit(ctx)
	}
}

// check validates and shows the verdict.
func (j *job) check(ctx context.Context) int {
	body, err := j.request()
	if err != nil {
		return j.fail(ctx, err)
	}
	v, err := j.client.validate(ctx, body)
	if err != nil {
		return j.fail(ctx, err)
	}
	return j.showVerdict(v)
}

// submit sends the descriptor and follows its token.
func (j *job) submit(ctx context.Context) int {
	body, err := j.request()
	if err != nil {
		return j.fail(ctx, err)
	}
	path := j.command.post
	if j.deep {
		path = "/v2/validate"
	}
	if j.token, err = j.client.submit(ctx, path, body); err != nil {
		return j.fail(ctx, err)
	}
	if j.noWait {
		say(j.out, "%s", j.token)
		return exitOK
	}
	say(j.out, "token %s", j.token)
	return j.follow(ctx)
}

// terminate asks for the end and follows until it has come.
func (j *job) terminate(ctx context.Context) int {
	if err := j.client.terminate(ctx, j.token); err != nil {
		return j.fail(ctx, err)
	}
	return j.follow(ctx)
}

// request makes the contract's body of the files.
func (j *job) request() (request, error) {
	r := request{DescriptorKind: "COMPONENT_DESCRIPTOR", RemoveData: j.removeData}
	text, err := j.read(j.file)
	if err != nil {
		return r, err
	}
	r.Descriptor = text
	if j.latest != "" {
		r.LatestEnrichedDescriptor, err = j.read(j.latest)
	}
	return r, err
}

func (j *job) read(file string) (string, error) {
	if file == "-" {
		text, err := io.ReadAll(j.in)
		return string(text), err
	}
	text, err := os.ReadFile(file) //nolint:gosec // the user names the file
	return string(text), err
}

// fail shows an error and returns the exit code for it.
func (j *job) fail(ctx context.Context, err error) int {
	if ctx.Err() != nil {
		return j.leave(ctx)
	}
	var r *refusal
	if errors.As(err, &r) {
		j.showRefusal(r)
		if r.status == http.StatusUnauthorized {
			say(j.err, "provisionctl takes the token from the environment variable PROVISIONER_TOKEN.")
		}
		return exitFailed
	}
	say(j.err, "provisionctl: %v", err)
	return exitFailed
}

// leave says how to go on with what was not followed to its end.
func (j *job) leave(ctx context.Context) int {
	why, code := "Interrupted", exitInterrupted
	if errors.Is(context.Cause(ctx), errTimeout) {
		why, code = "Stopped: "+errTimeout.Error(), exitFailed
	}
	say(j.err, "%s", why+".")
	if j.token == "" {
		say(j.err, "Whether the request arrived is not known. The same command again is safe: it leads to the same entities.")
		return code
	}
	command := "status"
	if j.watch().validation {
		command = "validate"
	}
	say(j.err, "The operation goes on without being watched. To follow it again:\n  provisionctl -server %s %s %s", j.server, command, j.token)
	return code
}

// watch is where the order's token is asked for.
func (j *job) watch() watched { return j.command.watch }
