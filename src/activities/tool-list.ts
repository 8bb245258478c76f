import type { LanguageModelV4FunctionTool } from '@ai-sdk/provider';
import { z } from 'zod';
import { startTaskTool } from '../contract/agent-task.ts';
import { EstopError } from '../core/errors.ts';
import { TaskStopped } from './cut-off.ts';
import type { GatewayClient } from './gateway-client.ts';
import { problemCode } from './problem-code.ts';
import type { TaskTokens } from './task-tokens.ts';

/** What the model is told it may call. Telling is all it does: the gateway decides every call anew. */
export interface ToolLists {
  get(
    taskId: string,
    mayStart: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly LanguageModelV4FunctionTool[]>;
}

const freshMs = 30_000;
/** A task that begins is told what another of the same agents was told a moment ago. */
const sharedMs = 5_000;
const maxHeld = 1_000;
const maxPages = 10;
const Page = z.object({
  tools: z.array(
    z.object({ name: z.string(), description: z.string().optional(), inputSchema: z.record(z.string(), z.unknown()) }),
  ),
  nextCursor: z.string().optional(),
});

interface Told {
  readonly at: number;
  readonly tools: readonly LanguageModelV4FunctionTool[];
}

export function createToolLists(gateway: GatewayClient, tokens: Pick<TaskTokens, 'line'>): ToolLists {
  const held = new Map<string, Told>();
  const shared = new Map<string, Told>();

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
      let known = within(held.get(taskId), freshMs);
      if (known === undefined) {
        const line = await tokens.line(taskId, signal);
        // One that was told before asks for itself: what it was told may be what has changed.
        known = held.has(taskId) ? undefined : within(shared.get(line), sharedMs);
        known ??= { at: Date.now(), tools: await load(taskId, signal) };
        keep(held, taskId, known);
        keep(shared, line, known);
      }
      return mayStart.length === 0 ? known.tools : [...known.tools, startTask(mayStart)];
    },
  };
}

function within(told: Told | undefined, ms: number): Told | undefined {
  return told !== undefined && Date.now() - told.at < ms ? told : undefined;
}

function keep(map: Map<string, Told>, key: string, told: Told): void {
  if (map.size >= maxHeld) map.delete(map.keys().next().value ?? '');
  map.set(key, told);
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
