import { traced } from '../../contract/tracing.ts';
import { EstopError, isErrorCode } from '../../core/errors.ts';
import type { Connector } from './contract.ts';
import { controlResultOf, explain, probeResultOf, revokeResultOf } from './results.ts';

/**
 * Makes a connector total: whatever its code throws in `cut`, `probe`, `control` or `selfCheck` becomes a value with our own
 * words, and what `issue` and `lists` throw is an error of the catalogue. So a connector throws freely inside, and neither a bug
 * nor a foreign error's text gets into the ledger.
 */
export function totalConnector(inner: Connector): Connector {
  return {
    plan: (request) => inner.plan(request),
    issue: (grant, context) => begin('issue', () => inner.issue(grant, context)).catch(rethrow),
    lists: (grant, context) => begin('lists', () => inner.lists(grant, context)).catch(rethrow),
    cut: (phase, grant, context) => begin(`cut ${phase}`, () => inner.cut(phase, grant, context)).catch(revokeResultOf),
    probe: (grant, context) => begin('probe', () => inner.probe(grant, context)).catch(probeResultOf),
    control: (grant, context) => begin('control', () => inner.control(grant, context)).catch(controlResultOf),
    selfCheck: (context) =>
      begin('self-check', () => inner.selfCheck(context)).catch((thrown: unknown) => ({
        ok: false,
        findings: [explain(thrown).why],
      })),
    close: () => inner.close(),
  };
}

/** One step of whatever trace it belongs to. What throws before it returns its promise (a secret that cannot be read, say) fails the same way. */
async function begin<T>(what: string, work: () => Promise<T>): Promise<T> {
  return traced(`connector ${what}`, 'client', work);
}

function rethrow(thrown: unknown): never {
  if (typeof thrown === 'object' && thrown !== null && 'code' in thrown && isErrorCode(thrown.code)) throw thrown;
  throw new EstopError('internal', { cause: thrown });
}
