package barrier

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
)

// Schema makes the barrier's table; safe to run again. It is the same in every language, so that a service can be
// written anew without losing what its callers were told.
const Schema = `
CREATE TABLE IF NOT EXISTS makegood_barrier (
  saga text COLLATE "C" NOT NULL,
  step text COLLATE "C" NOT NULL,
  epoch bigint NOT NULL DEFAULT 0,
  action text CHECK (action IN ('applied', 'refused', 'barred')),
  action_status smallint,
  action_body text,
  undone_status smallint,
  undone_body text,
  called_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (saga, step)
) WITH (fillfactor = 70);
CREATE INDEX IF NOT EXISTS makegood_barrier_called_at ON makegood_barrier (called_at);
`

const (
	insertRow = `INSERT INTO makegood_barrier (saga, step) VALUES ($1, $2) ON CONFLICT DO NOTHING`
	selectRow = `SELECT epoch, action, action_status, action_body, undone_status, undone_body FROM makegood_barrier
		WHERE saga = $1 AND step = $2 FOR UPDATE`
	updateRow = `UPDATE makegood_barrier SET epoch = $3, action = $4, action_status = $5, action_body = $6,
		undone_status = $7, undone_body = $8, called_at = clock_timestamp() WHERE saga = $1 AND step = $2`
)

// lock makes the step's row when it is not there and locks it until the transaction ends; nil is a new one. The insert
// waits for another transaction's row of the same key; the select then sees what that one committed.
func lock(ctx context.Context, tx pgx.Tx, call Call) (*Row, error) {
	inserted, err := tx.Exec(ctx, insertRow, call.Saga, call.Step)
	if err != nil {
		return nil, err
	}
	if inserted.RowsAffected() == 1 {
		return nil, nil
	}
	var row Row
	var action, actionBody, undoneBody *string
	var actionStatus, undoneStatus *int
	err = tx.QueryRow(ctx, selectRow, call.Saga, call.Step).
		Scan(&row.Epoch, &action, &actionStatus, &actionBody, &undoneStatus, &undoneBody)
	if errors.Is(err, pgx.ErrNoRows) {
		// Purged between the two statements, which its retention is there to prevent: begin anew.
		return lock(ctx, tx, call)
	}
	if err != nil {
		return nil, err
	}
	if action == nil {
		// Committed without a verdict by somebody who did not let the barrier finish: nothing is known to be applied.
		return nil, nil
	}
	row.Action = State(*action)
	row.ActionReply = storedReply(actionStatus, actionBody)
	row.UndoneReply = storedReply(undoneStatus, undoneBody)
	return &row, nil
}

// save writes the row that was locked.
func save(ctx context.Context, tx pgx.Tx, call Call, row Row) error {
	actionStatus, actionBody := columns(row.ActionReply)
	undoneStatus, undoneBody := columns(row.UndoneReply)
	_, err := tx.Exec(ctx, updateRow, call.Saga, call.Step, row.Epoch, string(row.Action),
		actionStatus, actionBody, undoneStatus, undoneBody)
	return err
}

func storedReply(status *int, body *string) *Reply {
	if status == nil {
		return nil
	}
	reply := Reply{Status: *status}
	if body != nil {
		reply.Body = *body
	}
	return &reply
}

func columns(reply *Reply) (status *int, body *string) {
	if reply == nil {
		return nil, nil
	}
	return &reply.Status, &reply.Body
}
