package workload

import (
	"bytes"
	"encoding/json"
)

// UnmarshalJSON keeps numbers in the configuration as they were written: a
// float64 would turn 1.10 into 1.1 and lose the digits of large ids.
func (a *Actor) UnmarshalJSON(data []byte) error {
	type plain Actor
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	return decoder.Decode((*plain)(a))
}
