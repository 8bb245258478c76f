import type { Context } from 'hono';
import type { Endpoint } from '../endpoint.ts';
import type { Markup } from './markup.ts';
import type { Visit } from './visit.ts';

export const places = [
  ['now', '/', 'Now'],
  ['stops', '/stops', 'Stops'],
  ['approvals', '/approvals', 'Approvals'],
  ['agents', '/agents', 'Agents'],
  ['notices', '/notices', 'Notices'],
  ['tools', '/tools', 'Tools'],
  ['connectors', '/connectors', 'Connectors'],
  ['policy', '/policy', 'Policy'],
  ['playbooks', '/playbooks', 'Playbooks'],
  ['secrets', '/secrets', 'Secrets'],
  ['audit', '/audit', 'Audit'],
  ['people', '/people', 'People'],
] as const;

export type Place = (typeof places)[number][0];

/** What a page shows between header and footer. */
export interface View {
  readonly title: string;
  readonly body: Markup;
  readonly place?: Place;
  /** What the Stop of the header offers first. */
  readonly scope?: string;
  readonly status?: 200 | 202 | 400 | 401 | 403 | 404 | 409 | 410 | 413 | 415 | 421 | 422 | 500 | 502 | 503 | 504;
  /** Kinds of events (contract/http/events.ts) after which this page is looked at again. */
  readonly watch?: readonly string[];
  /** Without a script the browser asks again after so many seconds. */
  readonly againAfterSeconds?: number;
}

export type Fields = ReadonlyMap<string, readonly string[]>;

/** Undefined: not a page, something else was answered. */
export interface ConsolePage {
  readonly path: string;
  readonly show: (visit: Visit, parameter: (name: string) => string) => Promise<View>;
}

/** A form. A path: go there. A view: what is to be read instead. */
export interface ConsoleForm {
  readonly path: string;
  /** What it may change, and nothing else: by these it is shown or not. */
  readonly asks: readonly Endpoint[];
  /** As browsers send files, and as much as any body of the API. A file's name stands beside its text, as `<field>:name`. */
  readonly takesFiles?: true;
  readonly take: (
    visit: Visit,
    fields: Fields,
    parameter: (name: string) => string,
    context: Context,
  ) => Promise<string | View>;
}

export const field = (fields: Fields, name: string): string => fields.get(name)?.[0]?.trim() ?? '';
