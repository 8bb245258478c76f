import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gateCells } from './gate-cells.ts';
import type { Guard } from './guard.ts';
import { approvalGuards } from './guards/approvals.ts';
import { argumentGuards } from './guards/arguments.ts';
import { budgetGuards } from './guards/budgets.ts';
import { credentialGuards } from './guards/credentials.ts';
import { fenceGuards } from './guards/fence.ts';
import { stopGuards } from './guards/stop.ts';
import { tokenGuards } from './guards/tokens.ts';
import { toolGuards } from './guards/tools.ts';
import { upstreamGuards } from './guards/upstream.ts';

/** Every guard that must not be possible to delete unnoticed. */
export function allGuards(projectRoot: string): readonly Guard[] {
  return [
    ...gateCells(readFileSync(join(projectRoot, 'src/gateway/gate.ts'), 'utf8')),
    ...tokenGuards,
    ...fenceGuards,
    ...approvalGuards,
    ...argumentGuards,
    ...toolGuards,
    ...upstreamGuards,
    ...credentialGuards,
    ...budgetGuards,
    ...stopGuards,
  ];
}
