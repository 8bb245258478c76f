/**
 * Where sources are brought from, or pushed to. On one site everybody has a place of his own ("host/owner/name"), so that who named the
 * site has not named the place: "owner/name" must stand in the request, or "owner name".
 */

import { stem, wordsOfName } from './language/stem.ts';
import { type Found, originOfValue } from './origin.ts';
import { placeOf } from './site.ts';
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

/** The site is one that the user gave: the place there, unless it is one too. */
export function originOfPlace(flow: TaskFlow, url: string, site: Found): Found {
  if (site.origin !== 'request') return site;
  const place = placeOf(url) ?? '';
  const said = [url, place, place.replace('/', ' ')].some((one) => originOfValue(flow, one).origin === 'request');
  if (place === '' || said) return site;
  const { origin, call } = originOfValue(flow, url);
  return { origin: origin === 'nowhere' ? 'nowhere' : 'prose', call };
}
