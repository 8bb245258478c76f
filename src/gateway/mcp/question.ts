import type { JsonObject } from '../json/parse-strict.ts';
import type { Reach } from '../upstream/reach.ts';
import type { ToolServer } from '../upstream/tool-server.ts';

/** What an upstream was doing when it asked. What it is answered is judged as more of that. */
export type AskedWhile =
  | { readonly kind: 'tool-call'; readonly name: string; readonly arguments: JsonObject }
  | { readonly kind: 'reach'; readonly reach: Reach }
  /** Nothing that anybody here had asked for, or one of several things. */
  | { readonly kind: 'nothing'; readonly server: ToolServer };

/** A question of an upstream of the older revisions that a client's answer was found to belong to. */
export interface OpenQuestion {
  /** By which its client answers. */
  readonly id: string;
  readonly method: string;
  readonly askedWhile: AskedWhile;
}

/** A refusal of the client's own is a word of the agent's like any other. */
export function saidIn({ result, error }: JsonObject): JsonObject {
  return error === undefined ? { result: result ?? {} } : { error };
}
