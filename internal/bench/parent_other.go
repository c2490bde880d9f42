//go:build !linux

package main

import "syscall"

// Only Linux can do it; elsewhere a killed test program leaves its servers behind.
func dieWithParent() *syscall.SysProcAttr { return nil }
