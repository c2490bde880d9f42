package main

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// sample is what was measured, once a pair.
type sample []float64

// quantile is the value below which a share of the sample lies, between
// neighbours in proportion.
func (s sample) quantile(share float64) float64 {
	if len(s) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(s))
	at := share * float64(len(sorted)-1)
	low := int(at)
	high := min(low+1, len(sorted)-1)
	return sorted[low] + (at-float64(low))*(sorted[high]-sorted[low])
}

func (s sample) median() float64 { return s.quantile(0.5) }

// spread is the middle half.
func (s sample) spread() string {
	return figure(s.quantile(0.25)) + " to " + figure(s.quantile(0.75))
}

// figure is a number with as many digits as it is worth.
func figure(x float64) string {
	switch size := math.Abs(x); {
	case size == 0:
		return "0"
	case size < 0.1:
		return fmt.Sprintf("%.4f", x)
	case size < 10:
		return fmt.Sprintf("%.2f", x)
	case size < 100:
		return fmt.Sprintf("%.1f", x)
	default:
		return fmt.Sprintf("%.0f", x)
	}
}

// side measures one of what is compared; its result is a rate or a time.
type side func() (float64, error)

// compared is what pairs have shown.
type compared struct {
	product, floor, ratio sample
}

// pairs measures product and floor in turn, each pair in an order of its own,
// so that what changes on the machine meets both. The first pair warms up and does not count.
func (b *bench) pair(n int, product, floor side) (compared, error) {
	var c compared
	for i := range n + 1 {
		if err := b.ctx.Err(); err != nil {
			return c, err
		}
		var p, f float64
		var errP, errF error
		if b.random.IntN(2) == 0 {
			p, errP = product()
			f, errF = floor()
		} else {
			f, errF = floor()
			p, errP = product()
		}
		if errP != nil {
			return c, fmt.Errorf("product: %w", errP)
		}
		if errF != nil {
			return c, fmt.Errorf("floor: %w", errF)
		}
		if i > 0 {
			c.product, c.floor, c.ratio = append(c.product, p), append(c.floor, f), append(c.ratio, p/f)
		}
	}
	return c, nil
}

// average divides a process's time by how often something was done.
func average(used time.Duration, times float64) string {
	if times == 0 {
		return "?"
	}
	return (used / time.Duration(max(1, times))).Round(time.Microsecond).String()
}
