import { agentPage, resetBreakerForm } from './agent-page.ts';
import { agentsPage } from './agents-page.ts';
import { approvalForm, approvalPage } from './approval-page.ts';
import { approvalsPage, denyForm } from './approvals-page.ts';
import { auditPage } from './audit-page.ts';
import { backtestForm, backtestPage } from './backtest-page.ts';
import { connectorsPage, drillForm } from './connectors-page.ts';
import { noticeForms, noticesPage } from './notices-page.ts';
import { nowPage } from './now-page.ts';
import { peopleForms, peoplePage } from './people-page.ts';
import { playbooksPage } from './playbooks-page.ts';
import { activateForm, policyPage, rollBackForm, secondForm } from './policy-page.ts';
import { secretForms, secretsPage } from './secrets-page.ts';
import { stopForm, stopFormPage } from './stop-form-page.ts';
import { noteForm, resetForm } from './stop-forms.ts';
import { stopPage } from './stop-page.ts';
import { stopPeopleForms } from './stop-people.ts';
import { stopsPage } from './stops-page.ts';
import { taskForms, taskPage } from './task-page.ts';
import { tasksPage } from './tasks-page.ts';
import { acceptToolForm, toolPage } from './tool-page.ts';
import { toolsPage } from './tools-page.ts';
import type { ConsoleForm, ConsolePage } from './view.ts';

/** One line a page. The tests of looks and of permissions are made from it. */
export const pages: readonly ConsolePage[] = [
  nowPage,
  stopFormPage,
  stopsPage,
  stopPage,
  approvalsPage,
  approvalPage,
  agentsPage,
  agentPage,
  tasksPage,
  taskPage,
  toolsPage,
  toolPage,
  connectorsPage,
  noticesPage,
  policyPage,
  backtestPage,
  playbooksPage,
  secretsPage,
  auditPage,
  peoplePage,
];
export const forms: readonly ConsoleForm[] = [
  stopForm,
  resetForm,
  noteForm,
  ...stopPeopleForms,
  denyForm,
  approvalForm,
  resetBreakerForm,
  acceptToolForm,
  rollBackForm,
  secondForm,
  activateForm,
  backtestForm,
  ...noticeForms,
  drillForm,
  ...secretForms,
  ...peopleForms,
  ...taskForms,
];
