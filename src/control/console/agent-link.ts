import { html } from 'hono/html';
import { drilledConnector } from '../../contract/names.ts';
import type { Markup } from './markup.ts';

/** To whose task it is: an agent, or the connector that a drill tries out, which has no page of its own. */
export function agentLink(agentId: string): Markup {
  const connector = drilledConnector(agentId);
  return connector === undefined
    ? html`<a href="/agents/${agentId}">${agentId}</a>`
    : html`<a href="/connectors">drill of ${connector}</a>`;
}
