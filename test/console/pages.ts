import type { Scene } from './scene.ts';

/** Every page, by name, with an address in the scene. One that is missing here fails a test. */
export const pagesOf = (scene: Scene): Readonly<Record<string, string>> => ({
  '/': '/',
  '/stop': '/stop?scope=agent:billing-bot',
  '/stops': '/stops',
  '/approvals': '/approvals',
  '/approvals/:id': `/approvals/${scene.approvalId}`,
  '/agents': '/agents',
  '/agents/:id': '/agents/billing-bot',
  '/tasks': '/tasks',
  '/tasks/:id': `/tasks/${scene.tasks[0]?.taskId ?? ''}`,
  '/tools': '/tools',
  '/tools/:server/:tool': '/tools/mail/send_mail',
  '/connectors': '/connectors',
  '/people': '/people',
  '/policy': '/policy',
  '/policy/backtest': '/policy/backtest',
  '/playbooks': '/playbooks?scope=agent:billing-bot',
  '/notices': '/notices',
  '/secrets': '/secrets',
  '/audit': '/audit',
  '/stops/:id': `/stops/${scene.stopId}`,
});
