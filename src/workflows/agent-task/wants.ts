import type { RawValue } from '@temporalio/common';
import { condition, setHandler } from '@temporalio/workflow';
import { readUntrusted } from '../untrusted-signal.ts';
import { issueGrant } from './begin.ts';
import { fieldOf, wantSignal } from './messages.ts';
import type { TaskRecord } from './record.ts';

const wantedName = /^(?:tool:)?[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const mostAtOnce = 16;

export interface Wants {
  /** Issues what is asked for, for as long as its scope lives. */
  serve(): Promise<never>;
}

/**
 * Grants that are issued when they are first used. The message is only a hint: the activity looks whether a gateway asked for it, so
 * a forged one issues nothing. rule: mint-reread
 */
export function openWants(taskId: string, environment: string, record: TaskRecord): Wants {
  const inHand = new Set<string>();
  const waiting: string[] = [];
  setHandler(wantSignal, (raw?: RawValue) => {
    const name = fieldOf(readUntrusted(raw), 'name') ?? '';
    if (!wantedName.test(name) || inHand.has(name) || inHand.size >= mostAtOnce) return;
    inHand.add(name);
    waiting.push(name);
  });
  const issue = async (name: string): Promise<void> => {
    try {
      const { refusal } = await issueGrant(taskId, environment, name);
      const what = refusal === undefined ? `grant ${name} at first use` : `no grant ${name} (${refusal})`;
      record.apply({ kind: 'noted', what });
    } finally {
      inHand.delete(name);
    }
  };
  return {
    serve: async () => {
      for (;;) {
        await condition(() => waiting.length > 0);
        // Side by side: a connector that hangs holds up no other.
        for (const name of waiting.splice(0)) issue(name).catch(() => undefined);
      }
    },
  };
}
