/**
 * Stops, as pure rules. The store's functions (migrations/0002, 0003, 0007) do the same under locks and on disk; a test runs random
 * histories through both and compares every answer.
 */
import type { StopMark } from './credential.ts';
import { fleetKey, type ScopeKey } from './scope-key.ts';

export interface StopLife {
  readonly stopId: string;
  readonly scopeKey: ScopeKey;
  readonly epoch: number;
  /** The stages run side by side; each is set by whoever verified it. */
  readonly fenced: boolean;
  readonly halted: boolean;
  readonly revoked: boolean;
  readonly proved: boolean;
  /** The epoch of its reset. A reset stop still kills what is older than it. */
  readonly resetEpoch: number | undefined;
  /** Who has asked for its reset: the fleet's takes two. */
  readonly resetAskedBy: readonly string[];
}

/** All stops ever, oldest first, and the one counter that stops and resets share. */
export interface StopBook {
  readonly epoch: number;
  readonly stops: readonly StopLife[];
}

export type StopEvent =
  | { readonly kind: 'latch'; readonly stopId: string; readonly scopeKey: ScopeKey }
  | { readonly kind: 'fenced' | 'halted' | 'revoked' | 'proved'; readonly stopId: string }
  /** Something that it covers turned up late: a task given its label, a grant whose mint had died. */
  | { readonly kind: 'found'; readonly stopId: string; readonly what: 'task' | 'grant' }
  | { readonly kind: 'reset'; readonly stopId: string; readonly actor: string };

export type StopAnswer =
  | 'latched'
  | 'same-stop'
  | 'id-taken'
  | 'noted'
  | 'refused'
  | 'reset'
  | 'already-reset'
  | 'not-fenced'
  | 'needs-second-person'
  | 'unknown';

export interface StopStep {
  readonly book: StopBook;
  readonly answer: StopAnswer;
}

export const noStops: StopBook = { epoch: 0, stops: [] };

/** A stop is latched in every state of everything else; only a reset can be refused. */
export function onStop(book: StopBook, event: StopEvent): StopStep {
  const known = book.stops.find((stop) => stop.stopId === event.stopId);
  if (event.kind === 'latch') return latch(book, known, event.stopId, event.scopeKey);
  if (known === undefined) return { book, answer: 'unknown' };
  switch (event.kind) {
    case 'fenced':
      return { book: put(book, { ...known, fenced: true }), answer: 'noted' };
    case 'halted':
      return { book: put(book, { ...known, halted: true }), answer: 'noted' };
    case 'revoked':
      return { book: put(book, { ...known, revoked: true }), answer: 'noted' };
    case 'proved':
      return prove(book, known);
    case 'found':
      return { book: put(book, takenBack(known, event.what)), answer: 'noted' };
    case 'reset':
      return reset(book, known, event.actor);
  }
}

/** What a credential is judged by (credential.ts). */
export function marksOf(book: StopBook): readonly StopMark[] {
  return book.stops.map(({ stopId, scopeKey, epoch, resetEpoch }) => ({
    stopId,
    scopeKey,
    epoch,
    inForce: resetEpoch === undefined,
  }));
}

/** rule: caller-mints-stop-id, epoch-commit-order */
function latch(book: StopBook, known: StopLife | undefined, stopId: string, scopeKey: ScopeKey): StopStep {
  if (known !== undefined) return { book, answer: known.scopeKey === scopeKey ? 'same-stop' : 'id-taken' };
  const epoch = book.epoch + 1;
  const fresh = {
    stopId,
    scopeKey,
    epoch,
    fenced: false,
    halted: false,
    revoked: false,
    proved: false,
    resetEpoch: undefined,
    resetAskedBy: [],
  };
  return { book: { epoch, stops: [...book.stops, fresh] }, answer: 'latched' };
}

function prove(book: StopBook, stop: StopLife): StopStep {
  if (!stop.fenced || !stop.halted || !stop.revoked) return { book, answer: 'refused' };
  return { book: put(book, { ...stop, proved: true }), answer: 'noted' };
}

/** `fenced` is never taken back: what a gateway confirmed stays confirmed. */
function takenBack(stop: StopLife, what: 'task' | 'grant'): StopLife {
  return what === 'task' ? { ...stop, halted: false, proved: false } : { ...stop, revoked: false, proved: false };
}

/** rule: reset-needs-fenced, reset-takes-next-epoch */
function reset(book: StopBook, stop: StopLife, actor: string): StopStep {
  if (stop.resetEpoch !== undefined) return { book, answer: 'already-reset' };
  if (!stop.fenced) return { book, answer: 'not-fenced' };
  const resetAskedBy = [...new Set([...stop.resetAskedBy, actor])];
  if (stop.scopeKey === fleetKey && resetAskedBy.length < 2)
    return { book: put(book, { ...stop, resetAskedBy }), answer: 'needs-second-person' };
  const epoch = book.epoch + 1;
  return { book: { ...put(book, { ...stop, resetAskedBy, resetEpoch: epoch }), epoch }, answer: 'reset' };
}

function put(book: StopBook, stop: StopLife): StopBook {
  return { ...book, stops: book.stops.map((one) => (one.stopId === stop.stopId ? stop : one)) };
}
