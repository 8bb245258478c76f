import type { StopCategory, StopReceipt } from '../contract/stop.ts';
import { traceHeaders } from '../contract/tracing.ts';
import { type ErrorCode, EstopError, isErrorCode } from '../core/errors.ts';

export interface ConsoleOrder {
  /** By which way it came to us. */
  readonly method: 'console' | 'trigger';
  readonly stopId: string;
  readonly scopeKey: string;
  readonly category: StopCategory;
  /** Of category 1; the usual one where nothing is said. */
  readonly graceMs?: number;
  readonly reason: string;
}

/** Longer than the stop process takes to give up on both of its roads. */
const patienceMs = 12_000;

/**
 * Hands an order to the stop process, with whatever the person showed us: who that is, and whether it may stop, is decided there and
 * from memory, so that neither our word nor our store is needed. Sent again it is the same stop, because the id comes with it.
 */
export async function handToStopProcess(
  stopUrl: string,
  order: ConsoleOrder,
  credentials: Readonly<Record<string, string>>,
): Promise<StopReceipt> {
  const answer = await send(stopUrl, order, credentials);
  const body = await readAnswer(answer);
  const state = body['state'];
  const { stopId } = order;
  if (answer.ok && state === 'accepted') return { state, stopId };
  const { epoch, latchedAt } = body;
  if (answer.ok && state === 'latched' && typeof epoch === 'number' && typeof latchedAt === 'string')
    return { state, stopId, epoch, latchedAt, fresh: body['fresh'] === true };
  const code = body['code'];
  const detail = body['detail'];
  throw new EstopError(codeOf(code), typeof detail === 'string' ? { detail: detail.slice(0, 600) } : {});
}

async function send(
  stopUrl: string,
  order: ConsoleOrder,
  credentials: Readonly<Record<string, string>>,
): Promise<Response> {
  try {
    return await fetch(new URL('/v1/stops', stopUrl), {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...traceHeaders(), ...credentials },
      body: JSON.stringify(order),
      signal: AbortSignal.timeout(patienceMs),
      redirect: 'error',
    });
  } catch (cause) {
    throw new EstopError('unreachable', {
      detail: 'The stop process did not answer: nothing says that this is stopped.',
      cause,
    });
  }
}

async function readAnswer(answer: Response): Promise<Readonly<Record<string, unknown>>> {
  try {
    const body: unknown = await answer.json();
    if (typeof body === 'object' && body !== null) return { ...body };
  } catch {
    // Falls through: whatever it was, it was no answer of the stop process.
  }
  throw new EstopError('bad-answer', {
    detail: 'The stop process gave an answer that says nothing: this may not be stopped.',
  });
}

const codeOf = (code: unknown): ErrorCode => (typeof code === 'string' && isErrorCode(code) ? code : 'bad-answer');
