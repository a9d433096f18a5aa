import { type Action, type Operation, type Run, type Stack } from '../bindings.gen'
import { addServer, verify } from './servers'
import { startJob, StepFailure } from './runner'
import { find, Refusal, type Workspace, world } from './world'

/** What the module makes for a stack, in the order Terraform does. */
function resourcesOf(stack: Stack) {
  const fixed = ['hcloud_ssh_key.this["key-0"]', 'hcloud_network.this', 'hcloud_network_subnet.this', 'hcloud_firewall.this']
  return [...fixed, ...Array.from({ length: stack.inputs.serverCount }, (_, index) => `hcloud_server.this["${stack.name}-${index + 1}"]`)]
}

function newRun(workspace: Workspace, stack: Stack, operation: Operation): Run {
  const run: Run = {
    id: world.id('run'), stackId: stack.id, jobId: '', operation, status: 'running', changes: [], resources: [], diagnostics: [],
    startedAt: world.now(), endedAt: null, decided: false,
  }
  workspace.runs.unshift(run)
  stack.latestRun = run
  return run
}

/** Plans a stack; a name with `refused` has a provider that says no. */
export function plan(organizationId: string, workspace: Workspace, stackId: string, destroy: boolean): string {
  const stack = find(workspace.stacks, stackId)
  if (['planning', 'applying', 'verifying', 'destroying'].includes(stack.status)) throw new Refusal('busy', `\`${stack.name}\` is at work already`, 'wait for its job', true)
  const before = stack.status
  const run = newRun(workspace, stack, destroy ? 'plan_destroy' : 'plan')
  stack.status = 'planning'
  const changed = () => world.changed(organizationId, 'stacks', stack.id)
  const jobId = startJob(organizationId, workspace, {
    kind: 'stack.plan',
    target: stack.id,
    title: `Plan ${stack.name}`,
    steps: [
      { name: 'prepare', async run({ log, wait }) { await wait(300); log('Wrote the configuration of module hetzner') } },
      { name: 'init', async run({ log, wait }) { await wait(700); log('Installed hetznercloud/hcloud v1.54.0 from the cache') } },
      {
        name: 'plan',
        async run({ log, wait }) {
          await wait(900)
          if (stack.name.includes('refused')) {
            run.diagnostics = [{ isError: true, summary: 'invalid input in field \'location\'', detail: 'unknown location (invalid_input)', place: 'main.tf:41' }]
            throw new StepFailure('terraform_failed', `Terraform could not plan \`${stack.name}\`: unknown location`, 'choose another region')
          }
          run.changes = changesOf(workspace, stack, destroy)
          log(`Plan: ${run.changes.length} changes`)
        },
      },
    ],
    finished(outcome) {
      Object.assign(run, { status: outcome, endedAt: world.now() })
      stack.status = outcome === 'succeeded' ? 'awaiting_approval' : outcome === 'cancelled' ? before : 'failed'
      changed()
    },
  })
  run.jobId = jobId
  changed()
  return jobId
}

function changesOf(workspace: Workspace, stack: Stack, destroy: boolean): Run['changes'] {
  const change = (action: Action) => (address: string) => ({ address, resourceType: address.split('.')[0] ?? '', action })
  const wanted = resourcesOf(stack)
  const existing = workspace.runs.find(run => run.stackId === stack.id && run.operation === 'apply' && run.status === 'succeeded')
  const have = existing ? [...new Set(workspace.runs.filter(run => run.stackId === stack.id && run.operation === 'apply').flatMap(run => run.resources.map(resource => resource.address)))] : []
  if (destroy) return (have.length ? have : wanted).map(change('delete'))
  return [
    ...wanted.filter(address => !have.includes(address)).map(change('create')),
    ...(have.length && wanted.some(address => !have.includes(address)) ? [change('update')('hcloud_firewall.this')] : []),
    ...have.filter(address => !wanted.includes(address)).map(change('delete')),
  ]
}

/** Applies an approved plan, resource by resource, then registers and verifies what came up. */
export function apply(organizationId: string, workspace: Workspace, stackId: string, runId: string, confirmName: string | null): string {
  const stack = find(workspace.stacks, stackId)
  const planned = find(workspace.runs, runId)
  const destroy = planned.operation === 'plan_destroy'
  if (planned.decided) throw new Refusal('plan_stale', 'this plan was decided already', 'plan again')
  if (destroy && confirmName !== stack.name) throw new Refusal('invalid_input', 'the name does not match', `type \`${stack.name}\``)
  planned.decided = true
  const run = newRun(workspace, stack, destroy ? 'destroy' : 'apply')
  run.changes = planned.changes
  run.resources = planned.changes.map(change => ({ address: change.address, action: change.action, state: 'pending', elapsedSeconds: 0, resourceId: null }))
  stack.status = destroy ? 'destroying' : 'applying'
  const changed = () => world.changed(organizationId, 'stacks', stack.id)
  const jobId = startJob(organizationId, workspace, {
    kind: destroy ? 'stack.destroy' : 'stack.apply',
    target: stack.id,
    title: `${destroy ? 'Destroy' : 'Apply'} ${stack.name}`,
    steps: [
      { name: 'init', async run({ log, wait }) { await wait(500); log('Initialized') } },
      {
        name: destroy ? 'destroy' : 'apply',
        async run({ log, wait, progress }) {
          for (const [index, resource] of run.resources.entries()) {
            resource.state = 'running'
            changed()
            const ticks = resource.address.startsWith('hcloud_server') ? 5 : 2
            for (let tick = 0; tick < ticks; tick += 1) {
              await wait(380)
              resource.elapsedSeconds += 1
              log(`${resource.address}: still working [${resource.elapsedSeconds}s elapsed]`)
              changed()
            }
            if (stack.name.includes('quota') && resource.address.startsWith('hcloud_server')) {
              resource.state = 'failed'
              run.diagnostics = [{ isError: true, summary: 'server limit reached (resource_limit_exceeded)', detail: 'The project may have 10 servers.', place: 'main.tf:88' }]
              throw new StepFailure('terraform_failed', 'the provider refuses another server: limit reached', 'raise the limit in the provider\'s console, then try again')
            }
            resource.state = 'done'
            resource.resourceId = destroy ? null : String(48_000_000 + Math.floor(Math.random() * 900_000))
            log(`${resource.address}: ${destroy ? 'destruction' : 'creation'} complete after ${resource.elapsedSeconds}s`)
            progress((index + 1) / run.resources.length)
          }
        },
      },
      { name: 'seal_state', async run({ wait }) { await wait(250); seal(workspace, stack, run, destroy) } },
      {
        name: destroy ? 'forget_servers' : 'register',
        async run({ log, wait }) {
          await wait(300)
          if (destroy) {
            workspace.servers = workspace.servers.filter(server => server.stackId !== stack.id)
            stack.servers = []
          }
          else {
            register(organizationId, workspace, stack, log)
          }
          world.changed(organizationId, 'servers')
        },
      },
    ],
    finished(outcome) {
      Object.assign(run, { status: outcome, endedAt: world.now() })
      stack.status = outcome === 'succeeded' ? (destroy ? 'destroyed' : 'completed') : outcome === 'cancelled' ? 'cancelled' : 'failed'
      changed()
    },
  })
  run.jobId = jobId
  changed()
  return jobId
}

function register(organizationId: string, workspace: Workspace, stack: Stack, log: (text: string) => void) {
  for (let index = 1; index <= stack.inputs.serverCount; index += 1) {
    const name = `${stack.name}-${index}`
    if (workspace.servers.some(server => server.name === name)) continue
    const server = addServer(workspace, { name, host: `203.0.113.${10 + workspace.servers.length}`, port: 22, user: 'root', credentialId: stack.sshCredentialId }, stack.id)
    stack.servers.push({ id: server.id, name })
    log(`Registered ${name} at ${server.host}`)
    verify(organizationId, workspace, server.id)
  }
}

function seal(workspace: Workspace, stack: Stack, run: Run, destroy: boolean) {
  const versions = workspace.states.get(stack.id) ?? []
  versions.unshift({
    serial: (versions[0]?.serial ?? 0) + run.resources.length, lineage: '5b1f2c7e-8d34-4f0a-9a51-2c77f1f0aa10',
    sha256: Array.from({ length: 64 }, () => Math.floor(Math.random() * 16).toString(16)).join(''),
    size: destroy ? 181 : 4_200 + run.resources.length * 1_380, resources: destroy ? 0 : resourcesOf(stack).length, runId: run.id, createdAt: world.now(),
  })
  workspace.states.set(stack.id, versions)
}
