import { setTimeout as pause } from 'node:timers/promises';
import { errorCodeOf } from '../core/errors.ts';
import { EstopError } from '../sdk/index.ts';
import { approvalContextLines } from './approval-context-lines.ts';
import { approvalLines } from './approval-lines.ts';
import { confirm } from './confirm.ts';
import type { CliContext } from './context.ts';
import { type ExitCode, exitCodes } from './exit-code.ts';
import { printOne } from './print.ts';
import type { Terminal } from './terminal.ts';
import { visible } from './visible.ts';

export interface DecideOptions {
  readonly reason?: string;
  readonly yes?: boolean;
}

/** What was shown only just now is waited for, where the server asks for it; whoever ends the command meanwhile has approved nothing. */
async function approve({ terminal, estop }: CliContext, approvalId: string, because: { readonly reason?: string }) {
  try {
    return await estop.approvals.approve(approvalId, because);
  } catch (thrown) {
    const waitMs =
      errorCodeOf(thrown) === 'approval-unseen' && thrown instanceof EstopError ? thrown.retryAfterMs : undefined; // made by the SDK in this process
    if (waitMs === undefined) throw thrown;
    await waitOutLook(terminal, waitMs);
    return estop.approvals.approve(approvalId, because);
  }
}

async function waitOutLook(terminal: Terminal, waitMs: number): Promise<void> {
  terminal.say('A call of the highest risk is approved a few seconds after it was shown. Ctrl-C approves nothing ..');
  await pause(waitMs);
}

/**
 * Approving shows all of what will be sent, also with --yes, so that a log of the terminal holds what was let through; denying
 * needs neither. What is shown belongs to that id for good: no other call can be put under it between the look and the decision.
 */
export async function decide(
  context: CliContext,
  approvalId: string,
  decision: 'approved' | 'denied',
  options: DecideOptions,
): Promise<ExitCode> {
  const { terminal, estop, now } = context;
  if (decision === 'approved') {
    if (options.yes !== true && !terminal.canAsk)
      throw new EstopError('invalid-input', { detail: 'There is no terminal to ask on: add --yes.' });
    const found = await estop.approvals.context(approvalId);
    const shownAt = performance.now();
    const waiting = found.approval;
    for (const line of approvalContextLines(found, now())) terminal.say(line);
    if (waiting.state !== 'pending') throw new EstopError('approval-closed', { detail: `It is ${waiting.state}.` });
    if (options.yes !== true && !(await confirm(terminal, 'Let exactly this call go ahead?')))
      return exitCodes.declined;
    // Not tried before its time: that would stand in the audit as an attempt of this person that was refused.
    const leftMs = found.approvableInMs - (performance.now() - shownAt);
    if (leftMs > 0) await waitOutLook(terminal, leftMs);
  }
  const because = options.reason === undefined ? {} : { reason: options.reason };
  const result =
    decision === 'approved'
      ? await approve(context, approvalId, because)
      : await estop.approvals.deny(approvalId, because);
  printOne(terminal, result, () =>
    decision === 'approved'
      ? [`${visible(result.approval.state)}  ${visible(approvalId)}`]
      : approvalLines(result.approval, now()),
  );
  if (result.approval.state === 'pending') {
    terminal.say('That is one of two: nothing goes ahead until another person approves it as well.');
    return exitCodes.partial;
  }
  if (!result.woken)
    terminal.say('The decision stands; the running workflow could not be told, and will find it by itself.');
  return exitCodes.confirmed;
}

/** One denial each. What was decided meanwhile, or is none, is said and is no reason to stop at it; denying can hurt nobody. */
export async function denyAll(
  context: CliContext,
  approvalIds: readonly string[],
  options: DecideOptions,
): Promise<ExitCode> {
  const [only, ...more] = approvalIds;
  if (only !== undefined && more.length === 0) return decide(context, only, 'denied', options);
  let missed = 0;
  for (const [at, id] of approvalIds.entries()) {
    if (at > 0) context.mutationKey.next();
    try {
      await decide(context, id, 'denied', options);
    } catch (thrown) {
      const code = errorCodeOf(thrown);
      if (code !== 'approval-closed' && code !== 'unknown-approval') throw thrown;
      missed += 1;
      context.terminal.say(`${visible(id)}: ${code === 'approval-closed' ? 'decided already' : 'there is none'}`);
    }
  }
  return missed === 0 ? exitCodes.confirmed : exitCodes.partial;
}
