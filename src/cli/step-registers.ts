import { hex } from '../base/index.ts';
import { receiveQueueAt, transmitQueueAt, vfReceiveQueueAt, vfTransmitQueueAt } from '../nic/index.ts';
import { decodeRegister, elementCount, elementOffset, type RegisterRow } from '../registers/index.ts';
import type { RegisterBreakpoint } from '../sim/index.ts';
import { didYouMean } from '../sim/scenario-suggest.ts';
import type { Simulation } from '../sim/simulation.ts';
import { RECEIVE_REGISTERS, registerNames, TRANSMIT_REGISTERS } from '../sim/views/register-names.ts';
import { UsageError } from './usage-error.ts';

const QUEUE_BYTES = 64;
const BAR_BYTES = 0x20000;
const PF_QUEUES = 128;
const VF_QUEUES = 2;

/** Offsets in BAR 0 by the names that views give registers: `CTRL`, `RDT[5]`; `VFMAILBOX`, `VFTDT[0]`. */
function offsetsOf(of: 'PF' | 'VF'): ReadonlyMap<string, number> {
  const offsets = new Map<string, number>();
  for (const [offset, name] of registerNames(of)) offsets.set(name, offset);
  const prefix = of === 'VF' ? 'VF' : '';
  const add = (names: Readonly<Record<number, string>>, queue: number, base: number) => {
    if (queue < 0 || queue >= (of === 'PF' ? PF_QUEUES : VF_QUEUES)) return;
    for (const [register, name] of Object.entries(names))
      offsets.set(`${prefix}${name}[${queue}]`, base + Number(register));
  };
  for (let base = 0; base < BAR_BYTES; base += QUEUE_BYTES) {
    add(RECEIVE_REGISTERS, of === 'PF' ? receiveQueueAt(base) : vfReceiveQueueAt(base), base);
    add(TRANSMIT_REGISTERS, of === 'PF' ? transmitQueueAt(base, PF_QUEUES) : vfTransmitQueueAt(base), base);
  }
  return offsets;
}

/** A register of a function of the card. */
export interface NamedRegister extends Required<Omit<RegisterBreakpoint, 'access'>> {
  /** The VF that has it; -1 for the PF. */
  readonly vf: number;
  /** Without the function's. */
  readonly name: string;
  /** What the card's tables say of its fields, or null where they say nothing. */
  readonly row: RegisterRow | null;
}

/**
 * The register that `PF.CTRL` or `VF0.VFTDT[0]` names.
 *
 * @throws {@link UsageError} for a function or a register that is not there.
 */
export function registerNamed(text: string, simulation: Simulation): NamedRegister {
  const { pf } = simulation.machine.nic;
  const vfs = pf.sriov?.count ?? 0;
  const [, fn, name] = /^([^.]*)\.(.*)$/.exec(text) ?? ['', '', ''];
  const vf = /^VF\d+$/.test(fn) ? Number(fn.slice(2)) : -1;
  if (fn !== 'PF' && (vf < 0 || vf >= vfs)) {
    const allowed = vfs === 0 ? 'PF.NAME' : `PF.NAME, VF0.NAME to VF${vfs - 1}.NAME`;
    throw new UsageError(`register: ${JSON.stringify(text)} names none; allowed ${allowed}`);
  }
  const offsets = offsetsOf(fn === 'PF' ? 'PF' : 'VF');
  const offset = offsets.get(name);
  if (offset === undefined) {
    const known = [...offsets.keys()];
    throw new UsageError(
      `register: ${fn} has no ${JSON.stringify(name)}${didYouMean(name, known)}; allowed names of the data sheet, of arrays as ${known.find((each) => each.endsWith('[0]'))}`,
    );
  }
  const routingId = fn === 'PF' ? pf.routingId : (pf.sriov?.routingIdOf(vf) as number);
  return { routingId, bar: 0, offset, vf, name, row: fn === 'PF' ? rowAt(offset, simulation) : null };
}

function rowAt(offset: number, { machine }: Simulation): RegisterRow | null {
  const holds = (row: RegisterRow) => {
    for (let i = 0; i < elementCount(row); i++) if (elementOffset(row, i) === offset) return true;
    return false;
  };
  return machine.nic.profile.registers.rows.find(holds) ?? null;
}

/**
 * What software would read, and the fields of that: a line for the register and one for each field.
 *
 * @param simulation in which the register is read, with all that reading does.
 */
export function describeRegister(
  text: string,
  { vf, bar, offset, name, row }: NamedRegister,
  { machine }: Simulation,
): string {
  const { pf } = machine.nic;
  const fn = pf.sriov === null || vf < 0 ? pf : pf.sriov.vf(vf);
  const value = fn.bar(bar).read32(offset, 4) >>> 0;
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
