/** Paths that a call made, and the labelled lines of a file that the user named. */
import type { FlowCall } from './call.ts';
import { type Draft, mark } from './draft.ts';
import { stem } from './language/stem.ts';
import { originOfPath, originOfValue } from './origin.ts';
import { isFileName, isPathLike, pathForm } from './path-form.ts';
import { addressKey, exactKey, pathKey, type TaskFlow } from './task-flow.ts';

/** What a call that succeeded made: where it wrote, and the file that it says it put there. */
export function notePaths(draft: Draft, call: FlowCall, output: string): void {
  if (call.profile.tier === 'read' || call.profile.tier === 'code' || output === '') return;
  const { hash } = draft.flow;
  for (const { name, fallback } of call.profile.arguments) {
    const given = call.args[name] ?? fallback;
    const folder =
      typeof given === 'string' && (isPathLike(given) || /(?:path|dir|directory|folder|file|filename)$/i.test(name))
        ? pathForm(given)
        : undefined;
    if (folder === undefined || folder === '/') continue;
    if (/^(?:source|src|from|old)/i.test(name)) continue;
    const makes = /path|file/i.test(name) && call.profile.tier === 'write';
    if (makes || (isNewFolder(draft.flow, call, folder) && !failed.test(output)))
      mark(draft, pathKey(hash, folder), 'own');
    for (const [raw] of [...output.slice(0, 300).matchAll(/[^\s'"`<>,;()|]+/g)].slice(0, 40)) {
      const file = raw.replace(/^\W+|[.:]+$/g, '');
      if (isFileName(file)) mark(draft, pathKey(hash, `${folder}/${file}`), 'own');
    }
  }
}

const failed = /\b(?:error|fatal|fail(?:ed|ure)?|exists?|denied|cannot|could not|not found)\b/i;

/**
 * A folder that bears the name of what was brought into it: "https://host/mara/kelp" into "/code/kelp". Only of the very address that the
 * user gave, or that a named thing has: on a site where anybody may put something, a name can be had that a folder bears already.
 */
const isNewFolder = (flow: TaskFlow, { profile, args }: FlowCall, folder: string): boolean =>
  profile.tier === 'fetch' &&
  profile.arguments.some(({ name, role }) => {
    const url = role === 'url' ? args[name] : undefined;
    if (typeof url !== 'string') return false;
    const plain = url.replace(/(?:\.git)?\/*$/i, '');
    const last = plain.slice(plain.lastIndexOf('/') + 1);
    return last !== '' && folder.endsWith(`/${last}`) && (isThatAddress(flow, url) || isThatAddress(flow, plain));
  });

const isThatAddress = (flow: TaskFlow, url: string): boolean =>
  originOfValue(flow, url).origin === 'request' || flow.values.get(addressKey(flow.hash, url))?.origin === 'own';

/** A file that is searched for stands in the search as well, and what is found there is by whoever wrote of it. */
const searchedFor = /query|search|term|keyword|phrase|words?$|^q$|filter|pattern|contain|text|subject|prompt|question/i;
const searching: ReadonlySet<string> = new Set(['search', 'find', 'query', 'grep', 'filter'].map(stem));

/** What among the arguments may be a file that is read. */
export const filesRead = ({ profile, args }: FlowCall): readonly string[] =>
  searching.has(profile.verb)
    ? []
    : Object.entries(args).flatMap(([name, value]) =>
        typeof value === 'string' && !searchedFor.test(name) ? [value] : [],
      );

export function isNamedFile(flow: TaskFlow, call: FlowCall): boolean {
  if (call.profile.tier !== 'read') return false;
  return filesRead(call).some((value) => isPathLike(value) && originOfPath(flow, value).origin === 'request');
}

/** The file itself, not one in a folder that the user named. */
export const isThatFile = (flow: TaskFlow, call: FlowCall): boolean =>
  isNamedFile(flow, call) &&
  filesRead(call).some((value) => isPathLike(value) && originOfValue(flow, value).origin === 'request');

/** The page itself, not another of a site that the user named: who writes there is not who wrote here. */
export const isNamedPage = (flow: TaskFlow, call: FlowCall): boolean =>
  call.profile.tier === 'fetch' &&
  call.profile.arguments.some(({ name, role }) => {
    const url = role === 'url' ? call.args[name] : undefined;
    return typeof url === 'string' && originOfValue(flow, url).origin === 'request';
  });

const labelled = /(?<![\p{L}\p{N}])\p{L}[\p{L}\p{N} _-]{0,40}: {1,2}([^\s,;|]{2,200})/gu;

/** One that is printed in groups is one value. */
const labelledAccount =
  /(?<![\p{L}\p{N}])\p{L}[\p{L}\p{N} _-]{0,40}: {1,2}([A-Z]{2}\d{2}(?: [A-Z0-9]{1,4}){3,8})(?![\p{L}\p{N}])/gu;

/** `label: value` in a file that the user named. The value is the next word alone: what comes after it may be anything. */
export function noteLabelled(draft: Draft, output: string): void {
  const found = [...output.slice(0, 65_536).matchAll(labelled)].slice(0, 400);
  for (const [, value = ''] of found) mark(draft, exactKey(draft.flow.hash, value.replace(/[.,]+$/, '')), 'file');
  for (const [, grouped = ''] of output.slice(0, 65_536).matchAll(labelledAccount))
    mark(draft, exactKey(draft.flow.hash, grouped), 'file');
}
