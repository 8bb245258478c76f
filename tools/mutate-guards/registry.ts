import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gateCells } from './gate-cells.ts';
import type { Guard } from './guard.ts';
import { agentClientGuards } from './guards/agent-clients.ts';
import { answerGuards } from './guards/answers.ts';
import { approvalGuards } from './guards/approvals.ts';
import { argumentGuards } from './guards/arguments.ts';
import { auditGuards } from './guards/audit.ts';
import { budgetGuards } from './guards/budgets.ts';
import { chosenGuards } from './guards/chosen.ts';
import { credentialGuards } from './guards/credentials.ts';
import { crowdGuards } from './guards/crowds.ts';
import { cutOffGuards } from './guards/cut-off.ts';
import { dataFlowGuards } from './guards/data-flow.ts';
import { delegationGuards } from './guards/delegation.ts';
import { fenceGuards } from './guards/fence.ts';
import { firstContactGuards } from './guards/first-contact.ts';
import { wildGuards } from './guards/in-the-wild.ts';
import { languageGuards } from './guards/languages.ts';
import { lateLaneGuards } from './guards/late-lanes.ts';
import { newGroundGuards } from './guards/new-ground.ts';
import { operatorGuards } from './guards/operator.ts';
import { pathGuards } from './guards/paths.ts';
import { plainLookGuards } from './guards/plain-look.ts';
import { plantedGuards } from './guards/planted.ts';
import { plantedLookGuards } from './guards/planted-looks.ts';
import { policyGuards } from './guards/policy.ts';
import { questionGuards } from './guards/questions.ts';
import { signInGuards } from './guards/sign-in.ts';
import { issuerGuards } from './guards/sign-in-issuers.ts';
import { signInRightGuards } from './guards/sign-in-rights.ts';
import { stopGuards } from './guards/stop.ts';
import { tokenGuards } from './guards/tokens.ts';
import { toolGuards } from './guards/tools.ts';
import { upstreamGuards } from './guards/upstream.ts';
import { whoStopsGuards } from './guards/who-stops.ts';

/** Every guard that must not be possible to delete unnoticed. */
export function allGuards(projectRoot: string): readonly Guard[] {
  return [
    ...gateCells(readFileSync(join(projectRoot, 'src/gateway/gate.ts'), 'utf8')),
    ...tokenGuards,
    ...fenceGuards,
    ...approvalGuards,
    ...policyGuards,
    ...argumentGuards,
    ...cutOffGuards,
    ...dataFlowGuards,
    ...answerGuards,
    ...languageGuards,
    ...pathGuards,
    ...chosenGuards,
    ...plainLookGuards,
    ...wildGuards,
    ...firstContactGuards,
    ...newGroundGuards,
    ...plantedGuards,
    ...plantedLookGuards,
    ...toolGuards,
    ...delegationGuards,
    ...upstreamGuards,
    ...questionGuards,
    ...credentialGuards,
    ...budgetGuards,
    ...stopGuards,
    ...crowdGuards,
    ...lateLaneGuards,
    ...signInGuards,
    ...signInRightGuards,
    ...issuerGuards,
    ...agentClientGuards,
    ...whoStopsGuards,
    ...auditGuards,
    ...operatorGuards,
  ];
}
