import fc from 'fast-check';
import { type Change, made } from './random-traffic.ts';

// Few values, so that frames meet what is configured often.
const vlan = fc.constantFrom(0, 1, 10, 20, 4095);
const tci = fc.tuple(vlan, fc.constantFrom(0, 0x2000, 0xf000)).map(([id, priority]) => priority | id);
const outerType = fc.constantFrom(0x88a8, 0x88a8, 0x9100, 0x8100);
const priority = fc.integer({ min: 0, max: 7 });
const regeneration = fc.oneof(
  fc.constant<number[]>([0, 1, 2, 3, 4, 5, 6, 7]),
  fc.array(priority, { minLength: 8, maxLength: 8 }),
);

/** E-CIDs and virtual interfaces of VPorts, and of groups; numbers of E-Tags and VN-Tags alike. */
export const CHANNELS = [1, 2, 3, 0x123, 0xfff];
export const GROUPS = [0x1001, 0x1002, 0x2001, 0x3fff];
/** With an extension, for E-Tags only. */
export const EXTENDED = [0x14001, 0x3f_c0ff];
export const EXTENDED_GROUPS = [0x15001, 0x3f_ffff];

/** A change of what becomes of tags. */
export function tagChange(vports: number): fc.Arbitrary<Change> {
  const vport = fc.integer({ min: 0, max: vports - 1 });
  return fc.oneof(
    fc.option(fc.record({ outerType, filter: fc.constantFrom('outer', 'inner') })).map((mode) =>
      made(`setDoubleVlan(${JSON.stringify(mode)})`, (s, c) => {
        s.setDoubleVlan(mode);
        c.doubleVlan = mode;
      }),
    ),
    fc.tuple(vport, fc.option(tci)).map(([v, service]) =>
      made(`setServiceVlan(${v}, ${service})`, (s, c) => {
        s.setServiceVlan(v, service);
        c.vports[v].serviceVlan = service;
      }),
    ),
    fc
      .tuple(fc.integer({ min: 0, max: vports }), fc.option(priority), regeneration)
      .map(([port, defaultPriority, table]) =>
        made(`setPriorities(${port}, ${defaultPriority}, ${table})`, (s, c) => {
          s.setPriorities(port, { defaultPriority, regeneration: table });
          c.priorities[port] = { defaultPriority, regeneration: table };
        }),
      ),
  );
}

const twoBytes = (value: number) => [value >> 8, value & 0xff];
const vlanTag = fc
  .tuple(fc.constantFrom(0x8100, 0x8100, 0x8100, 0x88a8, 0x9100), tci)
  .map(([type, value]) => [...twoBytes(type), ...twoBytes(value)]);
const eTag = fc
  .tuple(
    fc.constantFrom(...CHANNELS, ...GROUPS, ...EXTENDED, ...EXTENDED_GROUPS, 0, 4),
    fc.constantFrom(0, 0, 1, 2, 0x123),
    tci,
  )
  .map(([channel, ingress, value]) => [
    0x89,
    0x3f,
    ...twoBytes((value & 0xf000) | (ingress & 0xfff)),
    ...twoBytes(channel & 0x3fff),
    ingress >> 14,
    channel >> 14,
  ]);
const vnTag = fc
  .tuple(
    fc.constantFrom(...CHANNELS, ...GROUPS, 0),
    fc.constantFrom(0, 1, 2, 0x123),
    fc.constantFrom(0x8000, 0x8000, 0xc000, 0xc000, 0),
    fc.boolean(),
  )
  .map(([vif, source, flags, looped]) => [
    0x89,
    0x26,
    ...twoBytes(flags | (vif & 0x3fff)),
    ...twoBytes((looped ? 0x8000 : 0) | source),
  ]);

/** Tags in the bytes of a frame: none, one, and now and then a tag inside a tag inside a tag. */
export const tagStack: fc.Arbitrary<number[]> = fc.oneof(
  { weight: 3, arbitrary: fc.constant<number[]>([]) },
  { weight: 4, arbitrary: vlanTag },
  {
    weight: 2,
    arbitrary: fc
      .array(fc.oneof({ weight: 4, arbitrary: vlanTag }, eTag, vnTag), { maxLength: 3 })
      .map((tags) => tags.flat()),
  },
);

/** Tags of frames to a port extender: mostly one for virtual access outside. */
export function extenderStack(kind: 'etag' | 'vntag'): fc.Arbitrary<number[]> {
  return fc
    .tuple(fc.oneof({ weight: 8, arbitrary: kind === 'etag' ? eTag : vnTag }, tagStack), tagStack)
    .map(([outer, inner]) => [...outer, ...inner]);
}

/** A change of channels and groups, of a switch that is a port extender of this kind. */
export function extenderChange(vports: number, kind: 'etag' | 'vntag'): fc.Arbitrary<Change> {
  const vport = fc.integer({ min: 0, max: vports - 1 });
  const channels = kind === 'etag' ? [...CHANNELS, ...EXTENDED] : [0, ...CHANNELS];
  const groups = kind === 'etag' ? [...GROUPS, ...EXTENDED_GROUPS] : [...CHANNELS, ...GROUPS];
  return fc.oneof(
    fc.tuple(vport, fc.option(fc.constantFrom(...channels), { freq: 8 })).map(([v, channel]) =>
      made(`setChannel(${v}, ${channel})`, (s, c) => {
        if (channel !== null && c.vports.some((other, o) => o !== v && other.channel === channel)) return;
        s.setChannel(v, channel);
        c.vports[v].channel = channel;
      }),
    ),
    fc.tuple(vport, fc.constantFrom(...groups), fc.boolean()).map(([v, group, member]) =>
      made(`${member ? 'addTo' : 'removeFrom'}Group(${v}, ${group})`, (s, c) => {
        if (member) s.addToGroup(v, group);
        else s.removeFromGroup(v, group);
        if (member) c.vports[v].groups.add(group);
        else c.vports[v].groups.delete(group);
      }),
    ),
  );
}
