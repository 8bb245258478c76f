import type { LanguageModelV4FunctionTool } from '@ai-sdk/provider';
import { z } from 'zod';
import { startTaskTool } from '../contract/agent-task.ts';
import { EstopError } from '../core/errors.ts';
import { TaskStopped } from './cut-off.ts';
import type { GatewayClient } from './gateway-client.ts';
import { problemCode } from './http.ts';

/** What the model is told it may call. Telling is all it does: the gateway decides every call anew. */
export interface ToolLists {
  get(
    taskId: string,
    mayStart: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly LanguageModelV4FunctionTool[]>;
}

const freshMs = 30_000;
const maxHeld = 1_000;
const maxPages = 10;
const Page = z.object({
  tools: z.array(
    z.object({ name: z.string(), description: z.string().optional(), inputSchema: z.record(z.string(), z.unknown()) }),
  ),
  nextCursor: z.string().optional(),
});

export function createToolLists(gateway: GatewayClient): ToolLists {
  const held = new Map<string, { readonly until: number; readonly tools: readonly LanguageModelV4FunctionTool[] }>();

  const load = async (taskId: string, signal: AbortSignal): Promise<readonly LanguageModelV4FunctionTool[]> => {
    const tools: LanguageModelV4FunctionTool[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < maxPages; page += 1) {
      const reply = await gateway.ask(taskId, 'tools/list', cursor === undefined ? {} : { cursor }, signal);
      if (reply.kind === 'refused') throw refusal(reply.status, reply.body);
      const parsed = Page.safeParse(reply.result);
      if (!parsed.success)
        throw new EstopError('upstream-refused', { detail: 'the gateway answered tools/list with something else' });
      for (const { name, description, inputSchema } of parsed.data.tools) {
        tools.push({ type: 'function', name, inputSchema, ...(description === undefined ? {} : { description }) });
      }
      cursor = parsed.data.nextCursor;
      if (cursor === undefined) break;
    }
    return tools;
  };

  return {
    get: async (taskId, mayStart, signal) => {
      let known = held.get(taskId);
      if (known === undefined || known.until <= Date.now()) {
        known = { until: Date.now() + freshMs, tools: await load(taskId, signal) };
        if (held.size >= maxHeld) held.delete(held.keys().next().value ?? '');
        held.set(taskId, known);
      }
      return mayStart.length === 0 ? known.tools : [...known.tools, startTask(mayStart)];
    },
  };
}

const Denial = z.object({ error: z.object({ data: z.object({ 'estop/decision': z.string() }) }) });

/** What is no tool call is denied as a JSON-RPC error, with the decision in its data. */
function refusal(status: number, body: unknown): EstopError {
  const detail = `the gateway answered tools/list with ${status}`;
  const denial = Denial.safeParse(body);
  switch (denial.data?.error.data['estop/decision']) {
    case 'stopped':
      return new TaskStopped(detail);
    case 'held':
      return new EstopError('held', { detail });
    case undefined:
      return new EstopError(problemCode(body, status), { detail });
    default:
      return new EstopError('forbidden', { detail });
  }
}

function startTask(mayStart: readonly string[]): LanguageModelV4FunctionTool {
  return {
    type: 'function',
    name: startTaskTool,
    description: 'Starts a task of another agent and waits for its answer.',
    inputSchema: {
      type: 'object',
      properties: { agentId: { type: 'string', enum: [...mayStart] }, prompt: { type: 'string' } },
      required: ['agentId', 'prompt'],
      additionalProperties: false,
    },
  };
}
