import { checkInteger, checkNumber } from '../base/index.ts';
import { MILLISECOND } from '../kernel/index.ts';
import type { NicProfile } from '../nic/index.ts';
import { generic100g, genericNic, type HostProfile, intel82599, xeonE5v4 } from '../profiles/index.ts';
import { checkMachineOptions, checkOptions } from './option-keys.ts';
import type { PcieParts } from './pcie-parts.ts';
import type { Report } from './report.ts';
import { EndpointDirectory } from './scenario-endpoints.ts';
import { ProblemReporter } from './scenario-error.ts';
import { resolveMachine } from './scenario-machine.ts';
import { mirrorsOf, ratesOf } from './scenario-profiles.ts';
import type { EndpointRef, ResolvedScenario } from './scenario-resolved.ts';
import { resolveTimes } from './scenario-times.ts';
import { resolveFlow } from './scenario-traffic.ts';
import type {
  BridgeKind,
  GuestOptions,
  HostInterfaceOptions,
  HostOptions,
  NicOptions,
  PcieOptions,
  TrafficOptions,
} from './scenario-types.ts';
import { machineParts, Simulation } from './simulation.ts';

/** What a machine is made of; everything has a default. */
export interface CreateMachineOptions {
  /** Seed of every random stream, an integer from 0 to 2^53 - 1. Default 1. */
  readonly seed?: number;
  /** A profile, or options as in a scenario. Default {@link profiles}.host.xeonE5v4. */
  readonly host?: HostProfile | HostOptions;
  /** A profile, or options as in a scenario. Default {@link profiles}.nic.intel82599. */
  readonly nic?: NicProfile | NicOptions;
  /** The links between root port and card, as in a scenario. */
  readonly pcie?: PcieOptions;
  /** What `pcie` needs: `pcieParts` of `sriovsim/scenario`. */
  readonly pcieParts?: PcieParts;
  readonly guests?: readonly GuestOptions[];
  readonly hostInterface?: HostInterfaceOptions;
  /** Whether a bridge stands between the card and the station at the port, and which. Default `none`. */
  readonly adjacentBridge?: BridgeKind;
}

/** Profiles by kind: what {@link createMachine} takes. */
export const profiles = Object.freeze({
  host: Object.freeze({ xeonE5v4 }),
  nic: Object.freeze({ generic100g, genericNic, intel82599 }),
});

/** How long a flow without an end runs, in ms: longer than anything can. */
const FOREVER_MS = 1e6;

/** A stream of frames as `traffic.send` takes it: a scenario's traffic entry without its sender. */
export type SendOptions = Omit<TrafficOptions, 'from' | 'to'> & {
  /** A guest, `host`, `port`, `broadcast`, `multicast` or a MAC address. */
  readonly to: string;
};

/** A VF as a guest sees it. */
export interface GuestVf {
  /** Number of the VF. */
  readonly index: number;
  readonly mac: string;
}

/** A guest of a machine. */
export interface MachineGuest {
  readonly name: string;
  /**
   * The guest's VF with this number, from 0.
   *
   * @throws RangeError if it has no such VF.
   */
  vf(index: number): GuestVf;
  /** Software in the guest that sends from its first VF. */
  readonly traffic: { send(options: SendOptions): void };
}

/** A machine that is booted and waits for traffic. */
export interface RunningMachine {
  /** The simulation below: scheduler, card, IOMMU, everything. */
  readonly simulation: Simulation;
  readonly host: {
    readonly sysfs: Simulation['machine']['sysfs'];
    readonly traffic: { send(options: SendOptions): void };
  };
  /** What is beyond the physical port. */
  readonly port: { readonly traffic: { send(options: SendOptions): void } };
  readonly nic: Simulation['machine']['nic'];
  readonly scheduler: Simulation['machine']['scheduler'];
  readonly guests: readonly MachineGuest[];
  /** Makes things go wrong: `faults.inject({ kind: 'flr', atMs: 0.1, target: 'a' })`, counted from now. */
  readonly faults: Simulation['faults'];
  /** Lets time pass, and reports on it. `warmUpMs` of it are not measured. */
  run(options: { readonly simulatedMs: number; readonly warmUpMs?: number }): Report;
}

/**
 * Makes a machine and boots it as far as the PF's driver. VFs come with `sriov_numvfs`, as on Linux, and with
 * them the guests' drivers.
 *
 * @throws ScenarioError, RangeError or TypeError for an option that is wrong.
 * @example
 * const machine = createMachine({ seed: 7, guests: [{ name: 'a' }, { name: 'b' }] });
 * machine.host.sysfs.write('0000:01:00.0/sriov_numvfs', '2');
 * const [a, b] = machine.guests;
 * a.traffic.send({ to: b.vf(0).mac, frameBytes: 64, ratePps: 5e6 });
 * const report = machine.run({ simulatedMs: 1 });
 * report.endpoints[3].rxPps;
 */
export function createMachine(options: CreateMachineOptions = {}): RunningMachine {
  checkMachineOptions(options, {
    host: isHostProfile(options?.host),
    nic: isNicProfile(options?.nic),
  });
  const seed = checkInteger('seed', options.seed ?? 1, 0, Number.MAX_SAFE_INTEGER);
  const nicProfile = isNicProfile(options.nic) ? options.nic : undefined;
  const hostProfile = isHostProfile(options.host) ? options.host : undefined;
  const own = { hostProfile, nicProfile, pcieParts: options.pcieParts };
  const machine = resolveMachine(
    {
      host: isHostProfile(options.host) ? {} : options.host,
      nic: isNicProfile(options.nic) ? {} : options.nic,
      guests: options.guests === undefined ? [] : [...options.guests],
      hostInterface: options.hostInterface,
      pcie: options.pcie,
      ...(options.adjacentBridge === undefined ? {} : { adjacentBridge: options.adjacentBridge }),
    },
    'createMachine',
    nicProfile !== undefined
      ? {
          totalVfs: nicProfile.pools,
          usableVfs: nicProfile.pools - 1,
          linkGbps: nicProfile.linkGbps,
          rates: ratesOf(nicProfile),
          sharedBuffer: nicProfile.sharedBuffer !== undefined,
          mirrors: mirrorsOf(nicProfile),
          vportForwarding: nicProfile.vportForwarding,
          portExtender: nicProfile.portExtender,
          receiveBufferKiB: nicProfile.receiveBufferBytes / 1024,
        }
      : undefined,
    own,
  );
  const scenario: ResolvedScenario = {
    name: '',
    description: '',
    seed,
    ...machine,
    flows: [],
    captures: [],
    warmUpPs: 0,
    durationPs: 0,
  };
  const simulation = new Simulation(scenario, [], machineParts(scenario, own));
  simulation.bootCard();
  return assemble(simulation);
}

function assemble(simulation: Simulation): RunningMachine {
  const { machine, scenario } = simulation;
  const sender = (from: string, ref: EndpointRef) => ({
    send: (options: SendOptions) => send(simulation, from, ref, options),
  });
  const guests = scenario.guests.map((guest): MachineGuest => {
    const vf = (index: number) => {
      checkInteger('index', index, 0, guest.vfs.length - 1);
      return { index: guest.vfs[index], mac: scenario.vfs[guest.vfs[index]].mac };
    };
    const first = guest.vfs[0];
    return {
      name: guest.name,
      vf,
      traffic: {
        send: (options) => {
          if (first === undefined) throw new RangeError(`guest ${guest.name} has no VF`);
          send(simulation, guest.name, { kind: 'vf', vf: first }, options);
        },
      },
    };
  });
  return {
    simulation,
    host: { sysfs: machine.sysfs, traffic: sender('host', { kind: 'pf' }) },
    port: { traffic: sender('port', { kind: 'port' }) },
    nic: machine.nic,
    scheduler: machine.scheduler,
    guests,
    faults: simulation.faults,
    run: (options) => {
      checkOptions('run options', options, 'run');
      const { simulatedMs, warmUpMs = 0 } = options;
      const duration = checkNumber('simulatedMs', simulatedMs, 0, 1e6) * MILLISECOND;
      const warmUp = checkNumber('warmUpMs', warmUpMs, 0, simulatedMs) * MILLISECOND;
      return simulation.runFor(Math.round(duration), Math.round(warmUp));
    },
  };
}

function send(simulation: Simulation, from: string, ref: EndpointRef, options: SendOptions): void {
  checkOptions(`${from}.traffic.send options`, options, 'traffic');
  const { scenario } = simulation;
  if (ref.kind === 'vf' && !simulation.machine.vfDrivers.has(ref.vf)) {
    throw new RangeError(
      `VF ${ref.vf} of ${from} is not there yet: write at least ${ref.vf + 1} to ${simulation.machine.pfPath}/sriov_numvfs`,
    );
  }
  const reporter = new ProblemReporter(`${from}.traffic.send`);
  const endpoints = new EndpointDirectory(scenario, reporter);
  // Times of a flow count from now, and it has no end of its own.
  const times = resolveTimes({ warmUpMs: 0, durationMs: FOREVER_MS });
  const flow = resolveFlow({ ...options, from }, 'options', {
    endpoints,
    mtu: scenario.nic.mtu,
    times,
    reporter,
  });
  simulation.addFlow(flow);
}

function isNicProfile(value: CreateMachineOptions['nic']): value is NicProfile {
  return isObject(value) && 'pools' in value;
}

function isHostProfile(value: CreateMachineOptions['host']): value is HostProfile {
  return isObject(value) && 'memoryReadPs' in value;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
