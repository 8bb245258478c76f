import { wordsOfName } from '../language/stem.ts';
import type { ToolProfile } from './tool-profile.ts';

const taken = new WeakMap<ToolProfile, readonly string[]>();

/** The words of its name, which every call asks for. Kept with the profile: a text that came with a call would be kept with all of its body. */
export function wordsOfTool(profile: ToolProfile): readonly string[] {
  let words = taken.get(profile);
  if (words === undefined) taken.set(profile, (words = wordsOfName(profile.name)));
  return words;
}
