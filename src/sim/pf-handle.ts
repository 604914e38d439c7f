import { AddressSpace, DeviceHandle } from '../host/index.ts';
import type { Machine } from './machine.ts';

/** Memory that a driver of somebody's own gets. */
const DRIVER_BYTES = 64 * 2 ** 20;
/** Offset of the base address registers. */
const BARS = 0x10;

/**
 * The PF of a machine's card for a driver of your own, which begins by a reset and has the card for itself then. It has BAR 0, and
 * memory of its own.
 *
 * The host delivers MSI-X to it, and no INTx: messages of that end at the root port.
 *
 * @throws RangeError if the host has no 64 MiB of memory left in one piece.
 *
 * @example
 * const { simulation } = createMachine({ nic: intel82599Chip() });
 * const driver = new PollModeDriver(pfHandle(simulation.machine), { costs: profiles.host.xeonE5v4.software.poll });
 * driver.start();
 */
export function pfHandle(machine: Machine): DeviceHandle {
  const { rootComplex, nic, memory, parts } = machine;
  const { routingId } = nic.pf;
  const low = rootComplex.configRead(routingId, BARS, 4) & ~15;
  const base = (low >>> 0) + rootComplex.configRead(routingId, BARS + 4, 4) * 2 ** 32;
  const first = memory.allocateRange(DRIVER_BYTES);
  return new DeviceHandle({
    name: 'pf',
    routingId,
    barBases: { 0: base },
    scheduler: machine.scheduler,
    rootComplex,
    interrupts: machine.interrupts,
    memory: new AddressSpace(memory.memory, first, first + DRIVER_BYTES, (address) => address),
    watch: machine.watch,
    interruptLatencyPs: parts.hostProfile.hostInterruptPs,
  });
}
