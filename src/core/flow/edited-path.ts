/**
 * A file that is written in is an item like any other: whoever asked for changes did not ask for each file by its name. Not what is
 * deleted, moved or let out with its path, and not where machines and people keep what runs or lets in by itself.
 */
import type { FlowCall } from './call.ts';
import { heldAlone, type Role } from './facts.ts';
import { isOrdinaryPlace } from './ordinary-place.ts';
import { copiedWords, type Found, originOfPath, originOfValue, spokenOf } from './origin.ts';
import { endsOf, pathForm } from './path-form.ts';
import { runsLater } from './program/runs-later.ts';
import { isOpenPlace } from './program/secret-place.ts';
import type { TaskFlow } from './task-flow.ts';
import { writesIn } from './tool/writes-in.ts';

/** Changes where it stands, and nothing there. */
const goes = /(?:^|[._/-])(?:cd|chdir|change_?(?:working_?)?dir(?:ectory)?)$/i;
const onlyGoes = ({ profile, args }: FlowCall): boolean => goes.test(profile.name) && Object.keys(args).length === 1;

/** As the third rule has it or, where it is only written in and neither prose nor its place speaks against it, as the fifth. */
export function judgedPath(flow: TaskFlow, call: FlowCall, path: string): { role: Role; found: Found } {
  const found = originOfPath(flow, path);
  if (!heldAlone('path', found.origin)) return { role: 'path', found };
  if (onlyGoes(call) && isOrdinaryPlace(`${path}/a.txt`) && copiedWords(flow, path) === 0)
    return { role: 'ref', found: spokenOf(flow, path) ?? originOfValue(flow, path) };
  if (!isOrdinaryPlace(path) || !writesIn(call) || runsLater(call.args)) return { role: 'path', found };
  const calls = [path, ...endsOf(pathForm(path) ?? '').map((end) => end.slice(1))];
  // A person whom the user named may say which item, and not which file.
  if (calls.some((one) => originOfValue(flow, one).origin === 'person')) return { role: 'path', found };
  const spoken = calls.map((one) => spokenOf(flow, one)).find((one) => one !== undefined);
  return { role: 'ref', found: spoken ?? originOfValue(flow, path) };
}

/** Hidden, of the system, a whole home, or nothing at all below it. */
const noPlace =
  /(?:^|\/)\.(?!\/|$)|^\/?(?:[a-z]:)?\/*(?:(?:etc|usr|bin|sbin|lib\w*|boot|root|dev|proc|sys|nix|snap|system|library|applications|windows)(?:\/|$)|(?:home|users|var|opt|srv|mnt|tmp)?(?:\/|$)$|(?:home|users)\/[^/]+\/?$)/i;

/** Where a tool works is an item; but no text may speak of any part of it, nor may it be a place of the system. */
export function originOfPlaceOfWork(flow: TaskFlow, path: string): Found {
  const found = originOfPath(flow, path);
  if (!heldAlone('path', found.origin)) return found;
  const form = pathForm(path);
  if (form === undefined || noPlace.test(form) || !isOpenPlace(form)) return { origin: 'prose', call: found.call };
  const spoken = spokenOf(flow, path) ?? spokenOf(flow, form);
  if (spoken !== undefined) return spoken;
  return copiedWords(flow, form) > 0 ? { origin: 'prose', call: found.call } : originOfValue(flow, path);
}
