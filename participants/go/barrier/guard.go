package barrier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Refusal is the error of an action that says no for certain: nothing was applied, and nothing will be. It is kept, and
// answered again to whoever asks with the same key.
type Refusal struct {
	Code    string
	Message string
}

func (refusal *Refusal) Error() string { return refusal.Code + ": " + refusal.Message }

// A reply is kept in a row for as long as the saga may come back; what is larger belongs into a table of its own.
const longestOutput = 1 << 20

// Guard passes one call through the barrier, in the transaction in which the business writes: commit after it returns a
// reply, roll back when it returns an error. business does the work of the phase and returns the output, nil for none; a
// *Refusal of an action undoes its writes and is kept as a 409.
func Guard(ctx context.Context, tx pgx.Tx, call Call, business func(tx pgx.Tx) (any, error)) (Reply, error) {
	row, err := lock(ctx, tx, call)
	if err != nil {
		return Reply{}, err
	}
	verdict := Decide(row, call.Phase, call.Epoch)
	if verdict.Kind == Refuse {
		return problem(409, verdict.Code, verdict.Message), nil
	}
	kept := Row{Action: Barred}
	if row != nil {
		kept = *row
	}
	kept.Epoch = call.Epoch
	var reply Reply
	switch verdict.Kind {
	case Replay:
		reply = verdict.Reply
	case NotApplied:
		reply = Reply{Status: 200, Body: `{"effect":"none"}`}
	case NothingToUndo:
		reply = Reply{Status: 200, Body: `{"undone":false}`}
		kept.UndoneReply = &reply
	default:
		if reply, err = run(ctx, tx, call.Phase, &kept, business); err != nil {
			return Reply{}, err
		}
	}
	return reply, save(ctx, tx, call, kept)
}

// run does the business of the phase and notes in the row what came of it.
func run(ctx context.Context, tx pgx.Tx, phase Phase, row *Row, business func(pgx.Tx) (any, error)) (Reply, error) {
	if phase == Compensation {
		reply, err := outputReply(business(tx))
		row.UndoneReply = &reply
		return reply, err
	}
	// A savepoint: what an action wrote before it refused is undone, and the refusal is kept all the same.
	inner, err := tx.Begin(ctx)
	if err != nil {
		return Reply{}, err
	}
	reply, err := outputReply(business(inner))
	if err == nil {
		row.Action, row.ActionReply = Applied, &reply
		return reply, inner.Commit(ctx)
	}
	var refusal *Refusal
	if !errors.As(err, &refusal) {
		return Reply{}, err
	}
	reply = problem(409, refusal.Code, refusal.Message)
	row.Action, row.ActionReply = Refused, &reply
	return reply, inner.Rollback(ctx)
}

func outputReply(output any, err error) (Reply, error) {
	if err != nil {
		return Reply{}, err
	}
	if output == nil {
		return Reply{Status: 204}, nil
	}
	body, err := json.Marshal(output)
	if err != nil {
		return Reply{}, err
	}
	if len(body) > longestOutput {
		return Reply{}, fmt.Errorf("expected the output to have at most %d bytes of JSON, got %d", longestOutput, len(body))
	}
	return Reply{Status: 200, Body: string(body)}, nil
}

// problem is a JSON problem document (RFC 9457) with a stable code.
func problem(status int, code, message string) Reply {
	body, _ := json.Marshal(map[string]any{ // strings and a number: it cannot fail
		"type": "about:blank", "status": status, "title": message, "code": code, "message": message,
	})
	return Reply{Status: status, Body: string(body)}
}
