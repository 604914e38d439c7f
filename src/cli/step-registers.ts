import { hex } from '../base/index.ts';
import { receiveQueueAt, transmitQueueAt, vfReceiveQueueAt, vfTransmitQueueAt } from '../nic/index.ts';
import { decodeRegister, elementCount, elementOffset, type RegisterRow } from '../registers/index.ts';
import type { RegisterBreakpoint } from '../sim/index.ts';
import { didYouMean } from '../sim/scenario-suggest.ts';
import type { Simulation } from '../sim/simulation.ts';
import { RECEIVE_REGISTERS, registerNames, TRANSMIT_REGISTERS } from '../sim/views/register-names.ts';
import { queueOrVfRow } from './step-register-rows.ts';
import { UsageError } from './usage-error.ts';

const QUEUE_BYTES = 64;
const BAR_BYTES = 0x20000;
const PF_QUEUES = 128;

/** Offsets in BAR 0 by the names that views give registers: `CTRL`, `RDT[5]`; `VFMAILBOX`, `VFTDT[0]`. */
function offsetsOf(of: 'PF' | 'VF', { machine }: Simulation): ReadonlyMap<string, number> {
  const { queuesPerPool, pools } = machine.nic.profile;
  const queues = of === 'VF' ? queuesPerPool : Math.min(PF_QUEUES, pools * queuesPerPool);
  const offsets = new Map<string, number>();
  for (const [offset, name] of registerNames(of)) offsets.set(name, offset);
  const prefix = of === 'VF' ? 'VF' : '';
  const add = (names: Readonly<Record<number, string>>, queue: number, base: number) => {
    if (queue < 0 || queue >= queues) return;
    for (const [register, name] of Object.entries(names))
      offsets.set(`${prefix}${name}[${queue}]`, base + Number(register));
  };
  for (let base = 0; base < BAR_BYTES; base += QUEUE_BYTES) {
    add(RECEIVE_REGISTERS, of === 'PF' ? receiveQueueAt(base) : vfReceiveQueueAt(base), base);
    add(TRANSMIT_REGISTERS, of === 'PF' ? transmitQueueAt(base, queues) : vfTransmitQueueAt(base), base);
  }
  return offsets;
}

/** A register of a function of the card. */
export interface NamedRegister extends Required<Omit<RegisterBreakpoint, 'access'>> {
  /** The VF that has it; -1 for the PF. */
  readonly vf: number;
  /** Without the function's. */
  readonly name: string;
  /** What there is to say of its fields, or null. */
  readonly row: RegisterRow | null;
}

/**
 * The register that `PF.CTRL` or `VF0.VFTDT[0]` names.
 *
 * @throws {@link UsageError} for a function or a register that is not there.
 */
export function registerNamed(text: string, simulation: Simulation): NamedRegister {
  const vfs = vfsOf(simulation);
  const [, fn, name] = /^([^.]*)\.(.*)$/.exec(text) ?? ['', '', ''];
  const vf = /^VF\d+$/.test(fn) ? Number(fn.slice(2)) : -1;
  if (fn !== 'PF' && (vf < 0 || vf >= vfs)) {
    const allowed = vfs === 0 ? 'PF.NAME' : `PF.NAME, VF0.NAME to VF${vfs - 1}.NAME`;
    throw new UsageError(`register: ${JSON.stringify(text)} names none; allowed ${allowed}`);
  }
  const offsets = offsetsOf(fn === 'PF' ? 'PF' : 'VF', simulation);
  const offset = offsets.get(name);
  if (offset === undefined) {
    const known = [...offsets.keys()];
    throw new UsageError(
      `register: ${fn} has no ${JSON.stringify(name)}${didYouMean(name, known)}; allowed names of the data sheet, of arrays as ${known.find((each) => each.endsWith('[0]'))}`,
    );
  }
  return registerAt(vf, name, offset, simulation);
}

function registerAt(
  vf: number,
  name: string,
  offset: number,
  simulation: Simulation,
  rows: ReadonlyMap<number, RegisterRow> = rowsOf(simulation),
): NamedRegister {
  const { pf } = simulation.machine.nic;
  const routingId = vf < 0 ? pf.routingId : (pf.sriov?.routingIdOf(vf) as number);
  const row = (vf < 0 ? rows.get(offset) : undefined) ?? queueOrVfRow(name);
  return { routingId, bar: 0, offset, vf, name, row };
}

/** What the PF's table says, by offset. */
function rowsOf({ machine }: Simulation): ReadonlyMap<number, RegisterRow> {
  const rows = new Map<number, RegisterRow>();
  for (const row of machine.nic.profile.registers.rows)
    for (let i = 0; i < elementCount(row); i++) rows.set(elementOffset(row, i), row);
  return rows;
}

function vfsOf({ machine }: Simulation): number {
  return machine.nic.pf.sriov?.count ?? 0;
}

/**
 * What software would read, and the fields of that: a line for the register and one for each field.
 *
 * @param simulation in which the register is read, with all that reading does.
 */
export function describeRegister(text: string, register: NamedRegister, simulation: Simulation): string {
  const { bar, offset, name, row } = register;
  const value = readValue(register, simulation);
  const head = `${text} 0x${hex(value, 8)}, BAR ${bar} offset 0x${hex(offset, 5)}`;
  if (row === null) return `${head}\n`;
  const { phrase, fields } = decodeRegister(row, name, offset, value);
  const lines = fields.map((field) => {
    const { lsb, width, meaning } = field;
    const bits = width === 1 ? `${lsb}` : `${lsb + width - 1}:${lsb}`;
    const means = [meaning, field.phrase].filter((each) => each !== '').join(', ');
    return `  ${bits.padEnd(5)} ${field.name} ${field.value}${means === '' ? '' : `: ${means}`}\n`;
  });
  return `${head}: ${phrase}\n${lines.join('')}`;
}

function readValue({ vf, bar, offset }: NamedRegister, { machine }: Simulation): number {
  const { pf } = machine.nic;
  const fn = pf.sriov === null || vf < 0 ? pf : pf.sriov.vf(vf);
  return fn.bar(bar).read32(offset, 4) >>> 0;
}

/** Registers that a read clears, and that others may show a part of. */
const CLEARED = /^(EICR|VTEICR|VFMAILBOX)$/;

/**
 * Names of registers, a line each: all that there are, arrays as `PF.RAL[0..127]`; or those that begin with a prefix, with
 * what software would read, elements of an array that are alike in one line.
 *
 * @param simulation in which they are read, with all that reading does.
 * @throws {@link UsageError} for a prefix that none has.
 */
export function listRegisters(prefix: string, simulation: Simulation): string {
  const vfs = vfsOf(simulation);
  // All VFs have the same ones.
  const last = prefix === '' ? Math.min(vfs, 1) : vfs;
  const rows = rowsOf(simulation);
  const registers: NamedRegister[] = [];
  for (let vf = -1; vf < last; vf++)
    for (const [name, offset] of offsetsOf(vf < 0 ? 'PF' : 'VF', simulation))
      if (`${functionOf(vf)}.${name}`.startsWith(prefix))
        registers.push(registerAt(vf, name, offset, simulation, rows));
  if (registers.length === 0)
    throw new UsageError(
      `registers: no name begins with ${JSON.stringify(prefix)}; allowed the beginning of a name, such as PF.EI${vfs > 0 ? ' or VF0.VT' : ''}, or nothing`,
    );
  if (prefix !== '') return valuesOf(registers, simulation);
  const others = vfs < 2 ? '' : `${vfs === 2 ? 'VF1 has' : `VF1 to VF${vfs - 1} have`} those of VF0.\n`;
  return folded(registers) + others;
}

function functionOf(vf: number): string {
  return vf < 0 ? 'PF' : `VF${vf}`;
}

function valuesOf(registers: readonly NamedRegister[], simulation: Simulation): string {
  const values = new Map<NamedRegister, number>();
  for (const cleared of [false, true])
    for (const register of registers)
      if (CLEARED.test(register.name) === cleared) values.set(register, readValue(register, simulation));
  const lines: { name: string; base: string; first: number; last: number; value: number; what: string }[] =
    [];
  for (const register of registers) {
    const { vf, name, row } = register;
    const [, base, index] = /^(.*?)(?:\[(\d+)\])?$/.exec(`${functionOf(vf)}.${name}`) as RegExpExecArray;
    const value = values.get(register) as number;
    const before = lines.at(-1);
    const number = index === undefined ? -1 : Number(index);
    // Elements of an array that are alike share a line.
    if (before?.base === base && before.value === value && before.last + 1 === number) before.last = number;
    else {
      const what = row === null ? '' : `  ${row.phrase}`;
      lines.push({ name: `${functionOf(vf)}.${name}`, base, first: number, last: number, value, what });
    }
  }
  const names = lines.map(({ name, base, first, last }) =>
    first === last ? name : `${base}[${first}..${last}]`,
  );
  const width = Math.max(...names.map(({ length }) => length));
  return lines.map(({ value, what }, i) => `${names[i].padEnd(width)} 0x${hex(value, 8)}${what}\n`).join('');
}

/** Arrays in one line. */
function folded(registers: readonly NamedRegister[]): string {
  const counts = new Map<string, { count: number; what: string }>();
  for (const { vf, name, row } of registers) {
    const base = `${functionOf(vf)}.${name.split('[')[0]}`;
    const count = name.endsWith(']') ? (counts.get(base)?.count ?? 0) + 1 : 0;
    counts.set(base, { count, what: row === null ? '' : `  ${row.phrase}` });
  }
  const names = [...counts].map(([base, { count }]) => (count === 0 ? base : `${base}[0..${count - 1}]`));
  const width = Math.max(...names.map(({ length }) => length));
  return `${[...counts.values()].map(({ what }, i) => `${names[i].padEnd(width)}${what}`.trimEnd()).join('\n')}\n`;
}
