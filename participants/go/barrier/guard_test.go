package barrier

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// database is a real PostgreSQL, named by DATABASE_URL; without one these tests are skipped.
func database(t *testing.T) *pgxpool.Pool {
	t.Helper()
	url := os.Getenv("DATABASE_URL")
	if url == "" {
		t.Skip("DATABASE_URL is not set")
	}
	pool, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	_, err = pool.Exec(t.Context(), Schema+"CREATE TABLE IF NOT EXISTS effects (saga text); TRUNCATE makegood_barrier, effects")
	if err != nil {
		t.Fatal(err)
	}
	return pool
}

func guarded(ctx context.Context, pool *pgxpool.Pool, call Call, business func(pgx.Tx) (any, error)) (Reply, error) {
	var reply Reply
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) (err error) {
		reply, err = Guard(ctx, tx, call, business)
		return err
	})
	return reply, err
}

func effects(t *testing.T, pool *pgxpool.Pool) (count int) {
	t.Helper()
	if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM effects").Scan(&count); err != nil {
		t.Fatal(err)
	}
	return count
}

func TestAnErrorRollsBackRowAndEffectAndTheNextAttemptRuns(t *testing.T) {
	pool := database(t)
	call := Call{Saga: "a", Step: "s", Phase: Action, Epoch: 1}
	broken := errors.New("the disk is full")
	for _, outcome := range []error{broken, nil} {
		reply, err := guarded(t.Context(), pool, call, func(tx pgx.Tx) (any, error) {
			_, err := tx.Exec(t.Context(), "INSERT INTO effects VALUES ('a')")
			return map[string]int{"n": 1}, errors.Join(err, outcome)
		})
		if !errors.Is(err, outcome) {
			t.Fatalf("expected %v, got %v", outcome, err)
		}
		if outcome == nil && (reply != Reply{Status: 200, Body: `{"n":1}`}) {
			t.Errorf("expected the output, got %+v", reply)
		}
	}
	if count := effects(t, pool); count != 1 {
		t.Errorf("expected 1 effect, got %d", count)
	}
}

func TestARefusalIsKeptAndWhatWasWrittenBeforeItIsNot(t *testing.T) {
	pool := database(t)
	call := Call{Saga: "b", Step: "s", Phase: Action, Epoch: 1}
	calls := 0
	for range 2 {
		reply, err := guarded(t.Context(), pool, call, func(tx pgx.Tx) (any, error) {
			calls++
			_, err := tx.Exec(t.Context(), "INSERT INTO effects VALUES ('b')")
			return nil, errors.Join(err, &Refusal{Code: "SOLD_OUT", Message: "none left"})
		})
		if err != nil || reply.Status != 409 {
			t.Fatalf("expected 409, got %+v and %v", reply, err)
		}
	}
	if count := effects(t, pool); count != 0 || calls != 1 {
		t.Errorf("expected no effect and 1 call, got %d and %d", count, calls)
	}
}

func TestAStatementThatFailedCommitsNothingEvenIfTheBusinessSwallowsIt(t *testing.T) {
	pool := database(t)
	call := Call{Saga: "c", Step: "s", Phase: Compensation, Epoch: 1}
	if _, err := guarded(t.Context(), pool, Call{Saga: "c", Step: "s", Phase: Action}, func(pgx.Tx) (any, error) { return nil, nil }); err != nil {
		t.Fatal(err)
	}
	_, err := guarded(t.Context(), pool, call, func(tx pgx.Tx) (any, error) {
		_, _ = tx.Exec(t.Context(), "INSERT INTO effects VALUES ('c')")
		_, _ = tx.Exec(t.Context(), "SELECT 1/0")
		return nil, nil
	})
	if err == nil || effects(t, pool) != 0 {
		t.Errorf("expected an error and no effect, got %v and %d", err, effects(t, pool))
	}
}

func TestAnOutputThatIsTooLongFailsTheCall(t *testing.T) {
	pool := database(t)
	_, err := guarded(t.Context(), pool, Call{Saga: "d", Step: "s", Phase: Action}, func(pgx.Tx) (any, error) {
		return string(make([]byte, longestOutput)), nil
	})
	if err == nil {
		t.Error("expected an error, got none")
	}
}
