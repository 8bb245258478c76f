import type { Budget } from '../../contract/http/limits.ts';
import { type BudgetUnit, microcentsPerCent } from '../../core/budget.ts';
import { type CliCommand, examples } from '../command.ts';
import { exitCodes } from '../exit-code.ts';
import { printPage } from '../print.ts';
import { renderTable } from '../table.ts';

export const budget: CliCommand = {
  build: (command, run) => {
    command
      .command('show <agent>')
      .description('What it may spend, what is spent, and what is reserved for calls under way')
      .addHelpText('after', examples('budget show billing-bot', 'budget show billing-bot --json'))
      .action(
        run(async ({ terminal, estop }, agent: string) => {
          const page = await estop.budgets.of(agent);
          printPage(terminal, page, (items) => renderTable<Line>(columns, items.flatMap(linesOf)));
          if (page.items.length === 0) terminal.say('It has no budget: nothing caps what it spends.');
          return exitCodes.confirmed;
        }),
      );
  },
};

interface Line {
  readonly budget: Budget;
  readonly unit: BudgetUnit;
  readonly most: number;
}

const columns = [
  { title: 'budget', cell: ({ budget: { scope } }: Line) => scope },
  { title: 'of', cell: ({ budget: { scope, of } }: Line) => (scope === 'call' ? 'each' : of) },
  { title: 'unit', cell: ({ unit }: Line) => (unit === 'microcents' ? 'cents' : unit) },
  {
    title: 'used',
    cell: ({ budget, unit }: Line) => (budget.scope === 'call' ? '-' : amount(budget.used[unit], unit)),
  },
  {
    title: 'reserved',
    cell: ({ budget, unit }: Line) => (budget.scope === 'call' ? '-' : amount(budget.reserved[unit], unit)),
  },
  { title: 'limit', cell: ({ unit, most }: Line) => amount(most, unit) },
];

const units = ['calls', 'tokens', 'microcents'] as const satisfies readonly BudgetUnit[];

function linesOf(item: Budget): readonly Line[] {
  return units.flatMap((unit) => {
    const most = item.limit[unit];
    return most === undefined ? [] : [{ budget: item, unit, most }];
  });
}

/** Cents as people count them, with the parts of a cent that are there. */
function amount(value: number, unit: BudgetUnit): string {
  if (unit !== 'microcents') return String(value);
  const parts = String(value % microcentsPerCent)
    .padStart(6, '0')
    .replace(/0+$/, '');
  const whole = Math.floor(value / microcentsPerCent);
  return parts === '' ? String(whole) : `${whole}.${parts}`;
}
