import type { CutReason } from '../fence/open-calls.ts';
import { type Denial, denied } from '../passage.ts';

/** What the client of a call is told that was ended from outside. rule: possibly-completed */
export function cutDenial(reason: CutReason, written: boolean): Denial {
  switch (reason.kind) {
    case 'stopped':
      return { kind: 'stopped', stopId: reason.stop.stopId, scopeKey: reason.stop.scopeKey, mayHaveCompleted: written };
    case 'no-lease':
      return written ? denied('possibly-completed') : { kind: 'unavailable', code: 'no-lease' };
    case 'closing':
      return written ? denied('possibly-completed') : denied('shutting-down');
    case 'client-gone':
      return denied('possibly-completed');
  }
}
