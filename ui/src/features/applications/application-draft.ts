import { writeEnvironment } from '@/forms/rules'
import { type Application, type HealthCheck } from '@/ipc/bindings.gen'

/** An application as somebody fills it in; kept between restarts, so it holds no secret. */
export interface ApplicationDraft {
  name: string
  image: string
  domain: string
  serverIds: string[]
  registryCredentialId: string
  port: number
  healthCheck: HealthCheck
  environment: string
  stopGraceSeconds: number
}

/** A draft with the core's own defaults. */
export function emptyDraft(): ApplicationDraft {
  return {
    name: '', image: '', domain: '', serverIds: [], registryCredentialId: 'none', port: 80, environment: '', stopGraceSeconds: 30,
    healthCheck: { path: '/', timeoutSeconds: 5, intervalSeconds: 10, startPeriodSeconds: 30, successThreshold: 1, failureThreshold: 3 },
  }
}

/** A draft that describes an application as it is. */
export function draftOf({ name, image, domain, servers, registryCredentialId, configuration }: Application): ApplicationDraft {
  return {
    name, image, domain: domain ?? '', serverIds: servers.map(one => one.id), registryCredentialId: registryCredentialId ?? 'none', port: configuration.port,
    healthCheck: { ...configuration.healthCheck }, environment: writeEnvironment(configuration.environment), stopGraceSeconds: configuration.stopGraceSeconds,
  }
}
