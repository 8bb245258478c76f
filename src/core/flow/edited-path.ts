/**
 * A file that is written in is an item like any other: whoever asked for changes did not ask for each file by its name. Not what is
 * deleted, moved or let out with its path, and not where machines and people keep what runs or lets in by itself.
 */
import { heldAlone, type Role } from './facts.ts';
import { stem } from './language/stem.ts';
import type { Family } from './language/words.ts';
import { type Found, originOfPath, originOfValue, spokenOf } from './origin.ts';
import { endsOf, pathForm } from './path-form.ts';
import { isOpenPlace } from './program/secret-place.ts';
import type { TaskFlow } from './task-flow.ts';
import type { ToolProfile } from './tool/tool-profile.ts';

const leaves: ReadonlySet<Family> = new Set<Family>(['change', 'save', 'publish', 'message', 'submit']);
const overwrites: ReadonlySet<string> = new Set('overwrite reset restore revert format truncate'.split(' ').map(stem));

const leavesIt = ({ families, verb }: ToolProfile): boolean =>
  families.length > 0 && families.every((family) => leaves.has(family)) && !overwrites.has(verb);

/** Of the system, and what begins with a dot: run, or believed, without being asked. */
const ofTheSystem =
  /^(?:[a-z]:)?\/+(?:etc|usr|bin|sbin|lib\w*|opt|var|boot|system|library|windows|program files)(?:\/|$)/i;
const runsByItself = /(?:^|\/)(?:\.|crontab|cron\.|autostart|startup|launchagents|launchdaemons|systemd|init\.d)/i;

/** As the third rule has it or, where it is only written in and neither prose nor its place speaks against it, as the fifth. */
export function judgedPath(flow: TaskFlow, profile: ToolProfile, path: string): { role: Role; found: Found } {
  const found = originOfPath(flow, path);
  if (!heldAlone('path', found.origin) || !leavesIt(profile) || path.includes('..') || path.includes('~'))
    return { role: 'path', found };
  if (!isOpenPlace(path) || ofTheSystem.test(path) || runsByItself.test(path)) return { role: 'path', found };
  const calls = [path, ...endsOf(pathForm(path) ?? '').map((end) => end.slice(1))];
  const spoken = calls.map((one) => spokenOf(flow, one)).find((one) => one !== undefined);
  return { role: 'ref', found: spoken ?? originOfValue(flow, path) };
}
