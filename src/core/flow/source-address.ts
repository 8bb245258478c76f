/**
 * Where sources are brought from, or pushed to. On one site everybody has a place of his own ("host/owner/name"), so that who named the
 * site has not named the place: of the address each word of the place must be one that the user said.
 */

import { stem, wordsOfName } from './language/stem.ts';
import { type Found, originOfValue, wordsToCompare } from './origin.ts';
import type { TaskFlow } from './task-flow.ts';
import type { ToolProfile } from './tool/tool-profile.ts';

const ofSources: ReadonlySet<string> = new Set(
  'clone push pull git repo repository remote submodule fork'.split(' ').map(stem),
);
const named = /^(?:remote|upstream|clone|repo(?:sitory)?|git)(?:_?ur[li])?$/i;

/** Whether this address says from where, or to where, sources go. */
export const isOfSources = ({ name, families }: ToolProfile, argument: string): boolean =>
  named.test(argument) ||
  (wordsOfName(name).some((word) => ofSources.has(stem(word))) && !families.includes('message'));

const place = /^(?:[a-z][a-z0-9+.-]*:)?\/\/[^/?#]+\/([^?#]*)/i;

/** The site is one that the user gave: the place there, unless it is one too. */
export function originOfPlace(flow: TaskFlow, url: string, site: Found): Found {
  if (site.origin !== 'request') return site;
  const path = (place.exec(url)?.[1] ?? '').replace(/\/+$/, '').replace(/\.git$/i, '');
  const said = wordsToCompare(decoded(path)).every((word) => flow.words.request.has(flow.word(word)));
  if (said) return site;
  const { origin, call } = originOfValue(flow, url);
  return origin === 'request' ? site : { origin: origin === 'nowhere' ? 'nowhere' : 'prose', call };
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
