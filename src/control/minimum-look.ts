import type { ToolServerSpec } from '../contract/config.ts';
import { type Identity, personOf } from '../contract/identity.ts';
import { plural } from '../contract/plural.ts';
import { EstopError } from '../core/errors.ts';
import { approvalLookedAtMs, noteApprovalLook } from '../store/approval-looks.ts';
import type { ApprovalRecord } from '../store/approvals.ts';
import { readToolPins, type ToolPinRecord } from '../store/tool-pins.ts';
import type { ControlDeps } from './deps.ts';

/** Long enough that a queue of them is not pressed through without a look, short enough for whoever is woken at night. */
const usualLookMs = 3_000;

type LookDeps = Pick<ControlDeps, 'store' | 'config' | 'log' | 'minimumLookMs'>;

const lookMsOf = ({ minimumLookMs }: LookDeps): number => minimumLookMs ?? usualLookMs;

/** Of the highest risk is what needs two people, and whatever is not known to be less than destructive. */
export function isOfHighestRisk(
  record: ApprovalRecord,
  pins: readonly ToolPinRecord[],
  servers: readonly ToolServerSpec[],
): boolean {
  const [serverId = '', tool = ''] = record.toolKey.replace(/^tool:/, '').split('/');
  const tiers = servers.find((one) => one.serverId === serverId)?.tiers;
  const decided = tiers !== undefined && Object.hasOwn(tiers, tool) ? tiers[tool] : undefined;
  const accepted = pins.find(({ state }) => state === 'accepted')?.tier;
  return record.approvers !== 1 || !isMild(accepted) || (decided !== undefined && !isMild(decided));
}

const isMild = (tier: string | undefined): boolean => tier === 'read' || tier === 'fetch' || tier === 'write';

/** Of an approval that this person is being shown: for how long they cannot approve it yet. Denying it is never held up. */
export async function beginLook(
  deps: LookDeps,
  record: ApprovalRecord,
  pins: readonly ToolPinRecord[],
  identity: Identity,
): Promise<number> {
  const wanted = lookMsOf(deps);
  if (wanted === 0 || record.state !== 'pending') return 0;
  if (!isOfHighestRisk(record, pins, deps.config.current().toolServers)) return 0;
  const person = personOf(identity);
  try {
    await noteApprovalLook(deps.store, record.approvalId, person);
    const seen = await approvalLookedAtMs(deps.store, record.approvalId, person);
    return Math.max(0, wanted - (seen ?? 0));
  } catch {
    // It is shown all the same. What was not written down was not looked at, so that it is shown once more before it is approved.
    deps.log.warn({ event: 'approval.look-lost', approvalId: record.approvalId }, 'a look could not be written down');
    return wanted;
  }
}

/** The floor under a look at what is riskiest: whoever presses at once is sent back to read. */
export async function refuseUnseen(deps: LookDeps, record: ApprovalRecord, identity: Identity): Promise<void> {
  const wanted = lookMsOf(deps);
  if (wanted === 0 || record.state !== 'pending') return;
  const pins = await readToolPins(deps.store, record.toolKey.replace(/^tool:/, ''));
  if (!isOfHighestRisk(record, pins, deps.config.current().toolServers)) return;
  const seen = await approvalLookedAtMs(deps.store, record.approvalId, personOf(identity));
  if (seen === undefined)
    throw new EstopError('approval-unseen', {
      detail: `You were not shown this call yet. Open it; it can be approved ${words(wanted)} later, and denied at once.`,
    });
  if (seen < wanted)
    throw new EstopError('approval-unseen', {
      detail: `You were shown this call less than ${words(wanted)} ago. Go back, read it, and approve it then; it can be denied at once.`,
      retryAfterMs: wanted - seen,
    });
}

const words = (ms: number): string => plural(Math.ceil(ms / 1_000), 'second');
