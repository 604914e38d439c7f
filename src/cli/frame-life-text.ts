import type { Decider, FrameLife, LifeBranch, LifeStep } from '../sim/index.ts';
import { grouped, plural } from './numbers.ts';
import { type Column, formatTable } from './text-table.ts';

const COLUMNS: readonly Column[] = [
  { title: 'ns', align: 'right' },
  { title: 'cycle', align: 'right' },
  { title: 'of', align: 'left' },
  { title: 'unit', align: 'left' },
  { title: 'bytes', group: 'link', align: 'right' },
  { title: 'for ns', group: 'link', align: 'right' },
  { title: 'there in ns', group: 'link', align: 'right' },
  { title: 'to', align: 'left' },
  { title: 'step', align: 'left' },
];

/** The life of a frame as text: a line for each step, and below it one for each register that decided. */
export function formatFrameLife(life: FrameLife): string {
  const { number, bytes, from, destination, source, vlan, branches, steps } = life;
  const addresses = source === null ? '' : `, ${source} to ${destination}`;
  const tag = vlan === null ? '' : `, VLAN ${vlan}`;
  const head = [`Frame ${number}: ${bytes} bytes from ${from}${addresses}${tag}`, ...outcomes(life)];
  if (!life.registersKnown)
    head.push('The log does not begin with the machine: what its registers held is not known.');
  const hasMany = branches.length > 1;
  const lines = formatTable(
    COLUMNS,
    steps.map((step) => cells(step, hasMany ? branches : [])),
  );
  const [group, titles, ...rows] = lines;
  const indent = titles.indexOf('step');
  const body = rows.flatMap((row, i) => [
    row,
    ...steps[i].decidedBy.map((decider) => `${' '.repeat(indent)}  ${deciderText(decider)}`),
  ]);
  return `${[...head, '', group, titles, ...body].join('\n')}\n`;
}

function outcomes({ branches, dropped }: FrameLife): string[] {
  if (dropped !== null) return [`Dropped: ${dropped}`];
  if (branches.length === 0) return ['Under way when the log ends'];
  return [`${plural(branches.length, 'receiver')}: ${branches.map(outcomeText).join('; ')}`];
}

const OUTCOMES: Readonly<Record<LifeBranch['outcome'], string>> = {
  received: 'has received it',
  written: 'has it in memory',
  sent: 'has sent it',
  dropped: 'has lost it',
  lost: 'does not get it',
  underWay: 'waits for it when the log ends',
};

const LOSSES: Readonly<Record<NonNullable<LifeBranch['lost']>, string>> = {
  linkDown: 'the link went down',
  refused: 'a write of it was refused',
  ringStopped: 'its ring was stopped',
};

function outcomeText({ name, outcome, reason, lost }: LifeBranch): string {
  if (lost !== undefined) return `${name} does not get it, lost: ${LOSSES[lost]}`;
  return `${name} ${OUTCOMES[outcome]}${reason === null ? '' : ` (${reason})`}`;
}

function cells(step: LifeStep, branches: readonly LifeBranch[]): string[] {
  const { timePs, endPs, arrivesPs, clock, cycle, unit, linkBytes, what, branch } = step;
  return [
    nsText(timePs),
    cycle === null ? '' : grouped(cycle),
    clock ?? '',
    unit,
    linkBytes === 0 ? '' : grouped(linkBytes),
    endPs === null ? '' : nsText(endPs - timePs),
    arrivesPs === null ? '' : nsText(arrivesPs - timePs),
    branch === null ? '' : (branches[branch]?.name ?? ''),
    what,
  ];
}

function deciderText({ register, value, section, why }: Decider): string {
  const held = value === null ? '' : ` = 0x${value.toString(16)}`;
  const where = section === null ? '' : ` (${section})`;
  return `${register}${held}${where} ${why}`;
}

function nsText(ps: number): string {
  return (ps / 1000).toFixed(3);
}
