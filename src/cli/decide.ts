import type { Approval } from '../contract/http/approvals.ts';
import { EstopError } from '../sdk/index.ts';
import { approvalLines } from './approval-lines.ts';
import { confirm } from './confirm.ts';
import type { CliContext } from './context.ts';
import { type ExitCode, exitCodes } from './exit-code.ts';
import { printOne } from './print.ts';

export interface DecideOptions {
  readonly reason?: string;
  readonly yes?: boolean;
}

/** Approving shows all of what will be sent and asks once; denying needs neither. */
export async function decide(
  context: CliContext,
  approvalId: string,
  decision: 'approved' | 'denied',
  options: DecideOptions,
): Promise<ExitCode> {
  const { terminal, estop, now } = context;
  if (decision === 'approved' && options.yes !== true) {
    if (!terminal.canAsk)
      throw new EstopError('invalid-input', { detail: 'There is no terminal to ask on: add --yes.' });
    const pending = await findPending(context, approvalId);
    for (const line of approvalLines(pending, now())) terminal.say(line);
    if (!(await confirm(terminal, 'Let exactly this call go ahead?'))) return exitCodes.declined;
  }
  const because = options.reason === undefined ? {} : { reason: options.reason };
  const result =
    decision === 'approved'
      ? await estop.approvals.approve(approvalId, because)
      : await estop.approvals.deny(approvalId, because);
  printOne(terminal, result, () => approvalLines(result.approval, now()));
  if (!result.woken)
    terminal.say('The decision stands; the running workflow could not be told, and will find it by itself.');
  return exitCodes.confirmed;
}

async function findPending({ estop }: CliContext, approvalId: string): Promise<Approval> {
  let cursor: string | undefined;
  do {
    const page = await estop.approvals.list({ limit: 200, ...(cursor === undefined ? {} : { cursor }) });
    const found = page.items.find((item) => item.approvalId === approvalId);
    if (found !== undefined) return found;
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
  throw new EstopError('unknown-approval', { detail: 'No approval of that id is pending.' });
}
