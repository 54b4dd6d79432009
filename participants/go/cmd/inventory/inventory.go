package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"makegood/participants/go/barrier"
)

const schema = `
CREATE TABLE IF NOT EXISTS stock (sku text PRIMARY KEY, available integer NOT NULL CHECK (available >= 0));
CREATE TABLE IF NOT EXISTS reservations (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  saga text NOT NULL, step text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('reserved', 'released')),
  items jsonb NOT NULL
);
CREATE INDEX IF NOT EXISTS reservations_step ON reservations (saga, step);
INSERT INTO stock VALUES ('tea', 100000), ('coffee', 100000), ('teapot', 3) ON CONFLICT DO NOTHING;
`

type item struct {
	SKU      string `json:"sku"`
	Quantity int    `json:"quantity"`
}

type order struct {
	Items []item `json:"items"`
}

// readOrder gives the items in the order of their numbers: whoever locks rows in one order meets no deadlock.
func readOrder(input json.RawMessage) ([]item, error) {
	var read order
	decoder := json.NewDecoder(bytes.NewReader(input))
	if err := decoder.Decode(&read); err != nil {
		return nil, &barrier.Refusal{Code: "INVALID_ORDER", Message: "expected {items:[{sku, quantity}]}: " + err.Error()}
	}
	if len(read.Items) == 0 {
		return nil, &barrier.Refusal{Code: "INVALID_ORDER", Message: "expected at least one item, got none"}
	}
	for _, item := range read.Items {
		if item.SKU == "" || item.Quantity < 1 {
			message := fmt.Sprintf("expected a sku and a quantity of at least 1, got %q and %d", item.SKU, item.Quantity)
			return nil, &barrier.Refusal{Code: "INVALID_ORDER", Message: message}
		}
	}
	slices.SortFunc(read.Items, func(left, right item) int { return cmp.Compare(left.SKU, right.SKU) })
	return read.Items, nil
}

// reserve takes the items off the stock, all of them or none.
func reserve(ctx context.Context, tx pgx.Tx, call barrier.Order) (any, error) {
	items, err := readOrder(call.Input)
	if err != nil {
		return nil, err
	}
	id, err := note(ctx, tx, call, "reserved", items)
	if err != nil {
		return nil, err
	}
	for _, item := range items {
		taken, err := tx.Exec(ctx, "UPDATE stock SET available = available - $2 WHERE sku = $1 AND available >= $2", item.SKU, item.Quantity)
		if err != nil {
			return nil, err
		}
		if taken.RowsAffected() == 0 {
			return nil, &barrier.Refusal{Code: "SOLD_OUT", Message: fmt.Sprintf("not %d of %s left", item.Quantity, item.SKU)}
		}
	}
	return map[string]int64{"reservation": id}, nil
}

// release puts back what was reserved. It goes by what was written down and not by what the caller says: nobody may know
// the output of an action whose answer was lost.
func release(ctx context.Context, tx pgx.Tx, call barrier.Order) (any, error) {
	var items []item
	find := "SELECT items FROM reservations WHERE saga = $1 AND step = $2 AND kind = 'reserved'"
	err := tx.QueryRow(ctx, find, call.Saga, call.Step).Scan(&items)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, fmt.Errorf("expected a reservation of %s/%s, found none", call.Saga, call.Step)
	}
	if err != nil {
		return nil, err
	}
	for _, item := range items {
		if _, err := tx.Exec(ctx, "UPDATE stock SET available = available + $2 WHERE sku = $1", item.SKU, item.Quantity); err != nil {
			return nil, err
		}
	}
	id, err := note(ctx, tx, call, "released", items)
	return map[string]int64{"release": id}, err
}

func note(ctx context.Context, tx pgx.Tx, call barrier.Order, kind string, items []item) (id int64, err error) {
	insert := "INSERT INTO reservations (saga, step, kind, items) VALUES ($1, $2, $3, $4) RETURNING id"
	err = tx.QueryRow(ctx, insert, call.Saga, call.Step, kind, items).Scan(&id)
	return id, err
}
