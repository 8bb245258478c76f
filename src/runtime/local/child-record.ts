import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive, type ProcessIdentity, parseProcessIdentity, thisProcess } from './process-identity.ts';
import { makeOwnerOnlyFolder, writeOwnerOnly } from './state-folder.ts';

/** What is left in the state folder about a child, so that the next start can end it if its parent was killed. */
export interface ChildRecord {
  readonly name: string;
  readonly child: ProcessIdentity;
  readonly parent: ProcessIdentity;
  readonly stopSignal: NodeJS.Signals;
  /** Distinguishes what the child was started with; only an equal one may be adopted. */
  readonly fingerprint: string;
}

const stopSignals: readonly string[] = ['SIGTERM', 'SIGINT', 'SIGQUIT'] satisfies NodeJS.Signals[];

export function writeChildRecord(folder: string, entry: Omit<ChildRecord, 'parent'>): void {
  const record: ChildRecord = { ...entry, parent: thisProcess() };
  writeOwnerOnly(recordPath(folder, entry.name), JSON.stringify(record));
}

/** One that stays, for want of a disk to write to, names a process that is gone, and harms nobody. */
export function removeChildRecord(folder: string, name: string): void {
  try {
    rmSync(recordPath(folder, name), { force: true });
  } catch {
    // It is looked at again at the next start.
  }
}

export function readChildRecords(folder: string): readonly ChildRecord[] {
  return readdirSync(recordFolder(folder))
    .filter((file) => file.endsWith('.json'))
    .map((file) => readChildRecord(folder, file.slice(0, -'.json'.length)))
    .filter((record) => record !== undefined);
}

/** Undefined also for a record that cannot be read: who is not surely ours is never signalled. */
export function readChildRecord(folder: string, name: string): ChildRecord | undefined {
  try {
    return parseChildRecord(JSON.parse(readFileSync(recordPath(folder, name), 'utf8')));
  } catch {
    return undefined;
  }
}

/** A child that still runs although the process that started it does not. */
export function isOrphan(record: ChildRecord): boolean {
  return isAlive(record.child) && !isAlive(record.parent);
}

function parseChildRecord(value: unknown): ChildRecord | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (!('name' in value && 'child' in value && 'parent' in value && 'stopSignal' in value && 'fingerprint' in value))
    return undefined;
  const { name, stopSignal, fingerprint } = value;
  const child = parseProcessIdentity(value.child);
  const parent = parseProcessIdentity(value.parent);
  if (child === undefined || parent === undefined || typeof name !== 'string' || typeof fingerprint !== 'string')
    return undefined;
  if (!isStopSignal(stopSignal)) return undefined;
  return { name, child, parent, stopSignal, fingerprint };
}

function isStopSignal(value: unknown): value is NodeJS.Signals {
  return typeof value === 'string' && stopSignals.includes(value);
}

function recordFolder(folder: string): string {
  return makeOwnerOnlyFolder(join(folder, 'children'));
}

function recordPath(folder: string, name: string): string {
  return join(recordFolder(folder), `${name}.json`);
}
