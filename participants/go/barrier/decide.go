// Package barrier lets the actions and compensations that a coordinator of makegood calls take effect once and in the
// right order, whatever is repeated, reordered or late. Each step of each saga has one row in the service's own
// PostgreSQL, written in the transaction in which the business writes.
package barrier

import "fmt"

// Phase is what a call wants: the effect, its undoing, or to know whether it took place.
type Phase string

const (
	Action       Phase = "action"
	Compensation Phase = "compensation"
	Status       Phase = "status"
)

// Reply is what is answered, and what a duplicate is answered again. An empty body is none.
type Reply struct {
	Status int    `json:"status"`
	Body   string `json:"body"`
}

// State is what became of the action of a step.
type State string

const (
	Applied State = "applied"
	Refused State = "refused"
	// Barred is a tombstone: the action has not come, and must not take effect any more.
	Barred State = "barred"
)

// Row is what is known of a step.
type Row struct {
	// Epoch is the highest that has called.
	Epoch       int64  `json:"epoch"`
	Action      State  `json:"action"`
	ActionReply *Reply `json:"actionReply"`
	UndoneReply *Reply `json:"undoneReply"`
}

// Kind is what to do with a call.
type Kind string

const (
	Run           Kind = "run"
	NothingToUndo Kind = "nothing-to-undo"
	NotApplied    Kind = "not-applied"
	Replay        Kind = "replay"
	Refuse        Kind = "refuse"
)

// Verdict is the decision about one call. Reply belongs to Replay, Code and Message to Refuse.
type Verdict struct {
	Kind    Kind
	Reply   Reply
	Code    string
	Message string
}

// Decide says what to do with a call. row is what stood in the step's row before it, nil for the first; the caller holds
// the transaction in which the row was locked. ../protocol/decide-barrier.json has every case.
func Decide(row *Row, phase Phase, epoch int64) Verdict {
	if row == nil {
		return first(phase)
	}
	if epoch < row.Epoch {
		message := fmt.Sprintf("epoch %d was replaced by epoch %d; its call comes too late", epoch, row.Epoch)
		return Verdict{Kind: Refuse, Code: "stale-epoch", Message: message}
	}
	switch phase {
	case Action:
		if row.ActionReply != nil {
			return Verdict{Kind: Replay, Reply: *row.ActionReply}
		}
		return Verdict{Kind: Refuse, Code: "aborted", Message: "the action was given up before it came; nothing was done"}
	case Compensation:
		if row.UndoneReply != nil {
			return Verdict{Kind: Replay, Reply: *row.UndoneReply}
		}
		// A refused action has a reply and no effect: undoing it would give back what was never taken.
		if row.Action == Applied {
			return Verdict{Kind: Run}
		}
		return Verdict{Kind: NothingToUndo}
	default:
		if row.Action == Applied {
			return Verdict{Kind: Replay, Reply: appliedReply(row.ActionReply)}
		}
		return Verdict{Kind: NotApplied}
	}
}

func first(phase Phase) Verdict {
	switch phase {
	case Action:
		return Verdict{Kind: Run}
	case Compensation:
		return Verdict{Kind: NothingToUndo}
	default:
		return Verdict{Kind: NotApplied}
	}
}

// appliedReply is what a status probe of an applied action is answered.
func appliedReply(reply *Reply) Reply {
	if reply == nil || reply.Body == "" {
		return Reply{Status: 200, Body: `{"effect":"applied"}`}
	}
	return Reply{Status: 200, Body: `{"effect":"applied","output":` + reply.Body + `}`}
}
