// Command inventory is a service that sagas call: it reserves stock, and releases it again.
//
// PORT (default 8081) and HOST (default 127.0.0.1) say where it listens, DATABASE_URL where its PostgreSQL is. With
// EFFECTS_VIEW=on it counts its effects at /effects, for the conformance kit.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"makegood/participants/go/barrier"
)

func main() {
	if err := serve(); err != nil {
		log.Fatal(err)
	}
}

func serve() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	pool, err := pgxpool.New(ctx, os.Getenv("DATABASE_URL"))
	if err != nil {
		return err
	}
	defer pool.Close()
	if _, err := pool.Exec(ctx, barrier.Schema+schema); err != nil {
		return err
	}
	participant := &barrier.Participant{
		Pool:    pool,
		Steps:   map[string]barrier.Step{"reserve": {Do: reserve, Undo: release}},
		OnError: func(err error, call barrier.Call) { log.Printf("%s/%s %s: %v", call.Saga, call.Step, call.Phase, err) },
	}
	routes := http.NewServeMux()
	routes.Handle("/", participant)
	if os.Getenv("EFFECTS_VIEW") == "on" {
		routes.HandleFunc("GET /effects", countEffects(pool))
	}
	server := &http.Server{
		Addr:              net.JoinHostPort(setting("HOST", "127.0.0.1"), setting("PORT", "8081")),
		Handler:           routes,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    64 << 10,
	}
	ended := make(chan error, 1)
	go func() { ended <- server.ListenAndServe() }()
	log.Printf("inventory listens on %s", server.Addr)
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	// What is under way is finished; whoever comes later is refused a connection and asks again.
	finishing, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := server.Shutdown(finishing); err != nil {
		return err
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func setting(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

// countEffects says how often the business of a step took effect, from the business's own table.
func countEffects(pool *pgxpool.Pool) http.HandlerFunc {
	count := `SELECT count(*) FILTER (WHERE kind = 'reserved'), count(*) FILTER (WHERE kind = 'released')
		FROM reservations WHERE saga = $1 AND step = $2`
	return func(w http.ResponseWriter, r *http.Request) {
		var effects struct {
			Applied int `json:"applied"`
			Undone  int `json:"undone"`
		}
		query := r.URL.Query()
		err := pool.QueryRow(r.Context(), count, query.Get("saga"), query.Get("step")).Scan(&effects.Applied, &effects.Undone)
		if err != nil {
			http.Error(w, "the effects cannot be counted", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(effects)
	}
}
