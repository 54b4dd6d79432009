package barrier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Order is one of a saga to this service: do, or undo, this.
type Order struct {
	Call
	// Input is the step's input, JSON that is yours to check.
	Input json.RawMessage
	// Output is, for a compensation, what the action answered; nil when nobody knows whether it took effect.
	Output json.RawMessage
}

// Step is one thing that can be done and undone. Both write with tx only, and return the output, nil for none.
type Step struct {
	// Do does it. Return a *Refusal to say no for certain; any other error leaves the effect unknown to the caller.
	Do func(ctx context.Context, tx pgx.Tx, order Order) (any, error)
	// Undo undoes it; it is called only when it was done. nil: there is nothing to undo.
	Undo func(ctx context.Context, tx pgx.Tx, order Order) (any, error)
}

// Participant is the HTTP side of a service that sagas call.
type Participant struct {
	Pool *pgxpool.Pool
	// Steps by name: the last part of the request's path, or else the step's own name.
	Steps map[string]Step
	// LockTimeout is how long a call waits for another of the same step before it is told to come again; 2 s when 0.
	LockTimeout time.Duration
	// OnError is told what went wrong, when the caller is only told 500.
	OnError func(err error, call Call)
}

const defaultLockTimeout = 2 * time.Second

// ServeHTTP answers the calls of a coordinator.
func (p *Participant) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	order, step, err := p.read(w, r)
	var no *refused
	if errors.As(err, &no) {
		w.Header().Set("Makegood-Effect", "none")
		if no.reply.Status == http.StatusMethodNotAllowed {
			w.Header().Set("Allow", http.MethodPost)
		}
		answer(w, no.reply)
		return
	}
	ctx := r.Context()
	if order.TimeLeft >= 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, order.TimeLeft)
		defer cancel()
	}
	reply, err := p.transaction(ctx, order, step)
	if err != nil {
		reply = p.failed(w, err, order.Call, ctx)
	}
	answer(w, reply)
}

func (p *Participant) read(w http.ResponseWriter, r *http.Request) (order Order, step Step, err error) {
	if r.Method != http.MethodPost {
		return order, step, refuse(405, "method", "expected POST, got %s", r.Method)
	}
	if order.Call, err = readCall(r.Header); err != nil {
		return order, step, err
	}
	step, known := p.Steps[path.Base(r.URL.Path)]
	if !known {
		if step, known = p.Steps[order.Step]; !known {
			return order, step, refuse(404, "no-such-action", "there is no action for step %q here", order.Step)
		}
	}
	if order.TimeLeft == 0 {
		return order, step, refuse(503, "deadline", "the caller's time was up on arrival")
	}
	body, err := readBody(w, r)
	if err != nil {
		return order, step, err
	}
	said, err := readGiven(order.Phase, body)
	order.Input, order.Output = said.Input, said.Output
	return order, step, err
}

// transaction commits the business and its row together, or neither.
func (p *Participant) transaction(ctx context.Context, order Order, step Step) (Reply, error) {
	tx, err := p.Pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.ReadCommitted})
	if err != nil {
		return Reply{}, err
	}
	// After a commit this does nothing. It has a time of its own: that of the caller may be up.
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = tx.Rollback(ctx)
	}()
	lockTimeout := p.LockTimeout
	if lockTimeout == 0 {
		lockTimeout = defaultLockTimeout
	}
	if _, err = tx.Exec(ctx, fmt.Sprintf("SET LOCAL lock_timeout = %d", lockTimeout.Milliseconds())); err != nil {
		return Reply{}, err
	}
	reply, err := Guard(ctx, tx, order.Call, func(tx pgx.Tx) (any, error) {
		if order.Phase == Action {
			return step.Do(ctx, tx, order)
		}
		if step.Undo == nil {
			return nil, nil
		}
		return step.Undo(ctx, tx, order)
	})
	if err != nil {
		return Reply{}, err
	}
	// Too late is worse than not at all: a caller that has given up may be undoing this already.
	if err = ctx.Err(); err != nil {
		return Reply{}, err
	}
	return reply, tx.Commit(ctx)
}

// lockNotAvailable (PostgreSQL, appendix A): the wait for another transaction's lock was over.
const lockNotAvailable = "55P03"

func (p *Participant) failed(w http.ResponseWriter, err error, call Call, ctx context.Context) Reply {
	var database *pgconn.PgError
	if errors.As(err, &database) && database.Code == lockNotAvailable {
		w.Header().Set("Retry-After", "1")
		if call.Phase == Status {
			return Reply{Status: http.StatusAccepted}
		}
		return problem(http.StatusTooEarly, "in-progress", "another copy of this call is at work")
	}
	if ctx.Err() != nil {
		return problem(http.StatusServiceUnavailable, "deadline", "the caller's time was up")
	}
	if p.OnError != nil {
		p.OnError(err, call)
	}
	// What went wrong inside is not the caller's business and may hold secrets; the effect is unknown to it.
	return problem(http.StatusInternalServerError, "internal", "the participant failed; the same call may be made again")
}

func answer(w http.ResponseWriter, reply Reply) {
	if reply.Body != "" {
		contentType := "application/json"
		if reply.Status >= 400 {
			contentType = "application/problem+json"
		}
		w.Header().Set("Content-Type", contentType)
	}
	w.WriteHeader(reply.Status)
	_, _ = w.Write([]byte(reply.Body)) // whoever hung up will ask again
}
