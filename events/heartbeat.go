package events

import (
	"strconv"
	"time"
)

// heartbeatSlot is how long copies of a heartbeat are one, in seconds.
const heartbeatSlot = 10

// NewHeartbeat builds the event of a dead man's switch of a cluster that was heard at a time: that of receipt, so that each time
// it is heard counts, though the alert behind it may be one that was recorded long ago.
func NewHeartbeat(source, cluster string, at time.Time, beat Heartbeat) (Event, error) {
	id := "heartbeat/" + cluster + "/" + beat.Name + "/" + strconv.FormatInt(at.Unix()/heartbeatSlot, 10)
	return New(id, TypeHeartbeat, source, cluster, "heartbeat/"+beat.Name, at, beat)
}
