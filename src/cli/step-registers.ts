import { receiveQueueAt, transmitQueueAt, vfReceiveQueueAt, vfTransmitQueueAt } from '../nic/index.ts';
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

/**
 * The register that `PF.CTRL` or `VF0.VFTDT[0]` names.
 *
 * @throws {@link UsageError} for a function or a register that is not there.
 */
export function registerNamed(
  text: string,
  simulation: Simulation,
): Required<Omit<RegisterBreakpoint, 'access'>> {
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
  return { routingId, bar: 0, offset };
}
