/**
 * What a request hands over to a file: "cut the release like steps/release.txt describes", "our suppliers are on Judith's list".
 * Such a file may say what else is to be done (never to pay, delete, run or let in), in which room, and in which words. To whom
 * something goes, and on which site, it does not say by this.
 */
import type { FlowCall } from './call.ts';
import { type Draft, mark } from './draft.ts';
import { delegatedKey, handedRoomKey } from './language/hands-over.ts';
import { stem } from './language/stem.ts';
import { filesRead } from './made-paths.ts';
import { originOfValue } from './origin.ts';
import { isFileName, isPathLike } from './path-form.ts';
import { partsOf } from './scan.ts';
import { nameKey, type TaskFlow } from './task-flow.ts';
import { familiesIn } from './tool/family.ts';

const longestFile = 8000;
const mostRooms = 20;

/** In place of a person: a file that the user named. */
export const namedFile = 'a named file';

/** What the file says, where the request hands over to it by its path, or where its name is that of a person whom the request names. */
export function noteDelegated(draft: Draft, call: FlowCall, output: string): void {
  const { flow } = draft;
  if (draft.tainted || call.profile.tier !== 'read' || !flow.verbs.has(delegatedKey(flow.hash))) return;
  const that = isNamedItself(flow, call);
  if (!that && !isFileOfNamed(flow, call)) return;
  const text = output.slice(0, longestFile);
  const words = partsOf(text).map(stem);
  for (const word of words) draft.known.add(flow.word(word));
  if (!that) return;
  for (const family of familiesIn(words)) draft.widened.push([family, namedFile]);
  for (const [, room = ''] of [...text.matchAll(/(?<![\p{L}\p{N}#&/])#([\p{L}\p{N}_-]{2,80})/gu)].slice(0, mostRooms))
    mark(draft, handedRoomKey(flow.hash, room), 'file');
}

/** Not one in a folder that the request names. */
const isNamedItself = (flow: TaskFlow, call: FlowCall): boolean =>
  filesRead(call).some(
    (value) => isFileName(value.slice(value.lastIndexOf('/') + 1)) && originOfValue(flow, value).origin === 'request',
  );

/** "anton-shortlist.txt", of Anton. */
function isFileOfNamed(flow: TaskFlow, call: FlowCall): boolean {
  const people = new Set([...flow.named.values()].filter((name) => name.length === 1).flat());
  return filesRead(call).some((value) => {
    if (!isPathLike(value)) return false;
    const name = value.slice(value.lastIndexOf('/') + 1);
    return isFileName(name) && name.split(/[^\p{L}]+/u).some((word) => people.has(nameKey(flow.hash, word)));
  });
}
