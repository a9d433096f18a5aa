import { type Application, type ApplicationRequest, type Deployment, type Release } from '../bindings.gen'
import { type Step, startJob, StepFailure } from './runner'
import { find, Refusal, type Workspace, world } from './world'

/** Defines an application. */
export function create(workspace: Workspace, request: ApplicationRequest): Application {
  if (workspace.applications.some(application => application.name === request.name))
    throw new Refusal('already_exists', `there is an application \`${request.name}\` already`, 'choose another name')
  const application: Application = {
    id: world.id('app'), name: request.name, image: request.image, domain: request.domain, servers: placed(workspace, request),
    registryCredentialId: request.registryCredentialId, configuration: request.configuration, currentRelease: null,
    createdAt: world.now(), latestDeployment: null,
  }
  workspace.applications.push(application)
  return application
}

/** The servers of a request, with the address that each answers at. */
export function placed(workspace: Workspace, request: ApplicationRequest): Application['servers'] {
  return request.serverIds.map((id) => {
    const server = find(workspace.servers, id)
    return { id, name: server.name, address: request.domain ? `http://${request.domain}` : `http://${server.host}` }
  })
}

/**
 * Deploys `image`; the tag decides what goes wrong.
 *
 * `missing` can't be pulled, `crash` ends at once, `sick` never gets healthy.
 */
export function deploy(organizationId: string, workspace: Workspace, applicationId: string, image: string): string {
  const application = find(workspace.applications, applicationId)
  const releases = workspace.releases.get(applicationId) ?? []
  const release: Release = {
    id: world.id('rel'), number: (releases[0]?.number ?? 0) + 1, image,
    digest: `sha256:${Array.from({ length: 64 }, () => Math.floor(Math.random() * 16).toString(16)).join('')}`,
    configuration: structuredClone(application.configuration), createdAt: world.now(),
  }
  workspace.releases.set(applicationId, [release, ...releases])
  return move(organizationId, workspace, application, release, 'application.deploy')
}

/** Goes back to an earlier release. */
export function rollBack(organizationId: string, workspace: Workspace, applicationId: string, releaseId: string): string {
  const application = find(workspace.applications, applicationId)
  return move(organizationId, workspace, application, find(workspace.releases.get(applicationId) ?? [], releaseId), 'application.roll_back')
}

function move(organizationId: string, workspace: Workspace, application: Application, release: Release, kind: string): string {
  const deployment: Deployment = {
    id: world.id('dep'), releaseId: release.id, previousReleaseId: application.currentRelease?.id ?? null, jobId: '', strategy: 'standard',
    status: 'running', reason: null, startedAt: world.now(), endedAt: null,
  }
  const changed = () => world.changed(organizationId, 'applications', application.id)
  const steps: Step[] = application.servers.flatMap(server => [
    step(`pull:${server.name}`, 700, `Pulled ${release.image}`, release.image.endsWith(':missing') ? new StepFailure('image_unavailable', `\`${release.image}\` can't be pulled: manifest unknown`, 'check the tag and the registry login') : null),
    step(`start:${server.name}`, 400, `Started ${application.name}-${release.number}`, release.image.endsWith(':crash') ? new StepFailure('container_failed', 'the container ended with exit code 1', 'read its log: the last lines usually say why') : null),
    step(`health:${server.name}`, 900, 'GET / answered 200 in 12 ms', release.image.endsWith(':sick') ? new StepFailure('unhealthy', 'GET / answered 503 three times', 'check the port and the health path; the old release still serves') : null),
    step(`switch:${server.name}`, 200, 'The proxy sends new requests to the new container', null),
    step(`drain:${server.name}`, 500, 'No request is open on the old container', null),
    step(`stop:${server.name}`, 250, 'Stopped the old container', null),
  ])
  const jobId = startJob(organizationId, workspace, {
    kind,
    target: application.id,
    title: `${kind.endsWith('deploy') ? 'Deploy' : 'Roll back'} ${application.name} to ${release.image.split(':').at(-1)}`,
    steps,
    finished(outcome, job) {
      deployment.endedAt = world.now()
      deployment.status = outcome === 'succeeded' ? 'succeeded' : deployment.previousReleaseId ? 'rolled_back' : 'failed'
      deployment.reason = job.failure?.message ?? (outcome === 'cancelled' ? 'stopped by you' : null)
      if (outcome === 'succeeded') {
        application.currentRelease = release
        for (const { id } of application.servers) {
          const server = find(workspace.servers, id)
          server.applications = [...new Set([...server.applications, application.name])]
        }
        world.changed(organizationId, 'servers')
      }
      changed()
    },
  })
  deployment.jobId = jobId
  workspace.deployments.set(application.id, [deployment, ...workspace.deployments.get(application.id) ?? []])
  application.latestDeployment = deployment
  changed()
  return jobId
}

/** Takes an application's containers and routes away, then the application. */
export function remove(organizationId: string, workspace: Workspace, applicationId: string, confirmName: string): string {
  const application = find(workspace.applications, applicationId)
  if (confirmName !== application.name) throw new Refusal('invalid_input', 'the name does not match', `type \`${application.name}\``)
  return startJob(organizationId, workspace, {
    kind: 'application.remove',
    target: application.id,
    title: `Remove ${application.name}`,
    steps: application.servers.flatMap(server => [step(`route:${server.name}`, 300, 'Took the route away', null), step(`stop:${server.name}`, 500, 'Removed the container', null)]),
    finished(outcome) {
      if (outcome !== 'succeeded') return
      workspace.applications = workspace.applications.filter(other => other.id !== application.id)
      for (const server of workspace.servers) server.applications = server.applications.filter(name => name !== application.name)
      world.changed(organizationId, 'applications')
      world.changed(organizationId, 'servers')
    },
  })
}

function step(name: string, milliseconds: number, text: string, failure: StepFailure | null): Step {
  return {
    name,
    async run({ log, wait }) {
      await wait(milliseconds)
      if (failure) throw failure
      log(text)
    },
  }
}
