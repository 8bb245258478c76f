import { defineQuery, defineUpdate } from '@temporalio/workflow';
import type { Receipt, ReceiptRequest, TaskStatus, TimelineEntry } from '../../contract/agent-task.ts';
import { queries, signals, updates } from '../../contract/names.ts';
import { defineUntrustedSignal } from '../untrusted-signal.ts';

export const killSignal = defineUntrustedSignal(signals.kill);
export const approveSignal = defineUntrustedSignal(signals.approve);
export const holdSignal = defineUntrustedSignal(signals.hold);
export const closeSignal = defineUntrustedSignal(signals.close);
export const wantSignal = defineUntrustedSignal(signals.want);
export const releaseSignal = defineUntrustedSignal(signals.release);
export const receiptUpdate = defineUpdate<Receipt, [ReceiptRequest?]>(updates.receipt);
export const statusQuery = defineQuery<TaskStatus>(queries.status);
export const timelineQuery = defineQuery<readonly TimelineEntry[]>(queries.timeline);

const maxFieldLength = 200;

/** A text field of a message, printable and short, or undefined: what it says ends up in a ledger that people read. */
export function fieldOf(message: unknown, field: string): string | undefined {
  if (typeof message !== 'object' || message === null) return undefined;
  const value: unknown = Object.getOwnPropertyDescriptor(message, field)?.value;
  if (typeof value !== 'string') return undefined;
  const text = oneLine(value);
  return text === '' ? undefined : text;
}

export function oneLine(text: string): string {
  return text
    .slice(0, maxFieldLength)
    .replaceAll(/[^\p{L}\p{N}\p{P}\p{S}\p{Zs}]/gu, ' ')
    .trim();
}
