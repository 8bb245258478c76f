import { html } from 'hono/html';
import { connectorPath, drilledConnector } from '../../contract/names.ts';
import { foreign, type Markup } from './markup.ts';
import type { Visit } from './visit.ts';

/** To whose task it is: an agent, or the connector that a drill tries out. */
export function agentLink(agentId: string): Markup {
  const connector = drilledConnector(agentId);
  return connector === undefined
    ? html`<a href="/agents/${agentId}">${agentId}</a>`
    : html`<a href="${connectorPath(connector)}">drill of ${connector}</a>`;
}

/** A drill is nobody's: it goes by what it tries. */
export function agentWords(agentId: string): string {
  const connector = drilledConnector(agentId);
  return connector === undefined ? agentId : `drill of ${connector}`;
}

/** To a connector where it is shown; one that is not configured any more is shown nowhere. */
export function connectorLink({ deps }: Visit, connectorId: string): Markup {
  const isShown = deps.config.current().connectors.some((one) => one.connectorId === connectorId);
  return isShown ? html`<a href="${connectorPath(connectorId)}">${connectorId}</a>` : foreign(connectorId, 63);
}
