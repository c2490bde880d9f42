package descriptor

import (
	_ "time/tzdata" // time zones must be known in an image without the system's files too
)
