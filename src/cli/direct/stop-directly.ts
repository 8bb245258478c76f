import { userInfo } from 'node:os';
import { categoryOneGraceMs } from '../../contract/numbers.ts';
import type { StopCategory, StopReceipt } from '../../contract/stop.ts';
import { EstopError, errorCodeOf } from '../../core/errors.ts';
import { isId, parseId } from '../../core/ids.ts';
import { parseScopeKey } from '../../core/scope-key.ts';
import type { Connection } from '../connection.ts';
import type { Terminal } from '../terminal.ts';
import { visible } from '../visible.ts';

interface DirectOrder {
  readonly stopId: string;
  readonly scopeKey: string;
  readonly category: StopCategory;
  readonly graceMs: number | undefined;
  readonly reason: string;
}

/** Needs no process of ours: the store by the latch-only role, else the intake in Temporal. Says which of the two it was. */
export async function stopDirectly(
  terminal: Terminal,
  connection: Connection,
  given: DirectOrder,
): Promise<StopReceipt> {
  const { stopId } = given;
  checkForStore(given, connection.environment);
  const graceMs = given.category === 0 ? 0 : (given.graceMs ?? categoryOneGraceMs);
  const order = {
    ...given,
    graceMs,
    reason: given.reason.replaceAll('\0', '').slice(0, 500),
    actor: `direct:${accountName()}`,
    method: 'direct',
  } as const;
  if (connection.directUrl === undefined && connection.temporalAddress === undefined) {
    throw new EstopError('invalid-input', {
      detail:
        'NOT STOPPED: a direct stop needs ESTOP_DIRECT_URL (PostgreSQL, the latch-only role) or ESTOP_TEMPORAL_ADDRESS.',
    });
  }
  if (connection.directUrl !== undefined) {
    try {
      const { latchInStore } = await import('./latch-in-store.ts');
      return { state: 'latched', stopId, ...(await latchInStore(connection.directUrl, order)) };
    } catch (thrown) {
      if (connection.temporalAddress === undefined || errorCodeOf(thrown) === 'conflict') throw thrown;
      terminal.say(
        `the store does not latch (${visible(thrown instanceof Error ? thrown.message : 'no answer')}); trying the intake`,
      );
    }
  }
  const [{ orderByIntake }, { readTemporalSecurity }] = await Promise.all([
    import('./order-by-intake.ts'),
    import('../../runtime/temporal-security.ts'),
  ]);
  const place = { address: connection.temporalAddress ?? '', ...readTemporalSecurity(connection.temporalSecurity) };
  await orderByIntake(place, connection.environment, order);
  return { state: 'accepted', stopId };
}

/** The checks that the stop process would have made: the store takes any text, and a stop of nothing looks like a stop. */
function checkForStore({ stopId, scopeKey }: DirectOrder, environment: string): void {
  const scope = parseScopeKey(scopeKey);
  const isForeign = scope?.kind === 'task' && parseId(scope.value)?.environment !== environment;
  if (scope === undefined || isForeign || !isId('stop', environment, stopId)) {
    throw new EstopError('invalid-input', { detail: `This is no scope or stop id of environment ${environment}.` });
  }
}

/** Who ordered it is good to know, and never a reason not to: in a container the account may have no name. */
function accountName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid-${process.getuid?.() ?? 'unknown'}`;
  }
}
