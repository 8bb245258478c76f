import { existsSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { raisePriority } from '../../../src/stop/raise-priority.ts';

/** Says how far it came, and what it logged on the way. */
const lines: string[] = [];
const note = (_fields: object, message: string): void => void lines.push(message);
raisePriority({ debug: note, info: note, warn: note, error: note, fatal: note } as Parameters<typeof raisePriority>[0]); // all that it uses
const autogroup = '/proc/self/autogroup';
const session = existsSync(autogroup) ? readFileSync(autogroup, 'utf8').trim() : '';
process.stdout.write(JSON.stringify({ priority: getPriority(), session, lines }));
