import { Context } from '@temporalio/activity';
import { z } from 'zod';
import type { ToolOrder } from '../contract/activities.ts';
import type { ToolOutcome } from '../contract/agent-task.ts';
import { EstopError, errorCodeOf } from '../core/errors.ts';
import type { GatewayClient, GatewayReply } from './gateway-client.ts';
import { historyText } from './history-text.ts';
import { problemCode } from './problem-code.ts';

/** As the gateway lists them; a name outside of it cannot be a tool, and could not be put into a header. */
const toolName = /^[A-Za-z0-9_.-]{1,200}$/;
const maxTextCharacters = 64_000;

const Result = z.object({
  content: z.array(z.looseObject({ type: z.string() })).default([]),
  structuredContent: z.unknown().optional(),
  isError: z.boolean().default(false),
  _meta: z.record(z.string(), z.unknown()).default({}),
});

/** One tool call through the gateway. Throws only where the call was certainly not sent upstream: that alone may be retried. */
export type CallTool = (order: ToolOrder, signal: AbortSignal) => Promise<ToolOutcome>;

export function createCallTool(gateway: GatewayClient): CallTool {
  return async ({ taskId, call }, signal) => {
    if (call.unreadable === true) return { kind: 'denied', reason: 'The arguments are not a JSON object.' };
    if (!toolName.test(call.tool)) return { kind: 'denied', reason: 'There is no such tool.' };
    try {
      return outcomeOf(await gateway.ask(taskId, 'tools/call', { name: call.tool, arguments: call.arguments }, signal));
    } catch (error) {
      if (errorCodeOf(error) === 'stopped') return { kind: 'stopped' };
      // Whatever was not foreseen comes of an answer. And a worker that shuts down in the middle must not make another worker send it again.
      if (!(error instanceof EstopError) && isShutdownOrLoss(signal)) return { kind: 'interrupted' };
      throw error;
    }
  };
}

function isShutdownOrLoss(signal: AbortSignal): boolean {
  return !signal.aborted || Context.current().cancellationDetails?.workerShutdown === true;
}

function outcomeOf(reply: GatewayReply): ToolOutcome {
  if (reply.kind === 'refused') return refusal(reply.status, reply.body);
  const parsed = Result.safeParse(reply.result);
  if (!parsed.success) return { kind: 'answered', isError: true, text: 'The tool gave an answer that cannot be read.' };
  const { _meta: meta, isError } = parsed.data;
  const text = textOf(parsed.data);
  switch (meta['estop/decision']) {
    case undefined:
    case 'allow':
      return { kind: 'answered', text, isError };
    case 'needs-approval':
      return approvalOf(meta);
    case 'stopped':
      // A stop of a tool ends no task: its model goes on, and must not take for undone what was sent before the stop.
      if (meta['estop/reason'] === 'possibly-completed') return { kind: 'interrupted' };
      return { kind: 'stopped', ...(typeof meta['estop/stopId'] === 'string' ? { stopId: meta['estop/stopId'] } : {}) };
    case 'held':
      throw new EstopError('held', { detail: 'the ledger holds this task' });
    case 'possibly-completed':
      return { kind: 'interrupted' };
    default:
      // Refused by a gateway that is about to end: another will take it. Any decision that we do not know is a denial.
      if (meta['estop/reason'] === 'shutting-down') throw new EstopError('no-lease', { detail: text });
      return { kind: 'denied', reason: text };
  }
}

function approvalOf(meta: Readonly<Record<string, unknown>>): ToolOutcome {
  const [approvalId, expiresAt] = [meta['estop/approvalId'], meta['estop/expiresAt']];
  if (typeof approvalId !== 'string' || typeof expiresAt !== 'string' || Number.isNaN(Date.parse(expiresAt))) {
    return { kind: 'denied', reason: 'It needs an approval that could not be asked for.' };
  }
  return { kind: 'needs-approval', approvalId, expiresAt };
}

function refusal(status: number, body: unknown): ToolOutcome {
  switch (problemCode(body, status)) {
    case 'stopped':
      return { kind: 'stopped' };
    case 'held':
      throw new EstopError('held', { detail: 'the ledger holds this task' });
    default:
      if (status >= 500) return { kind: 'interrupted' };
      return { kind: 'denied', reason: `The gateway refused the call (${status}).` };
  }
}

/** Bounded: the payloads of a history are limited. */
function textOf({ content, structuredContent }: z.infer<typeof Result>): string {
  const parts = content.map((part) =>
    part.type === 'text' && typeof part['text'] === 'string' ? part['text'] : `[${part.type}]`,
  );
  const text =
    parts.length > 0 ? parts.join('\n') : structuredContent === undefined ? '' : JSON.stringify(structuredContent);
  const clean = historyText(text);
  return clean.length <= maxTextCharacters
    ? clean
    : `${clean.slice(0, maxTextCharacters)}\n[cut off: ${clean.length} characters in all]`;
}
