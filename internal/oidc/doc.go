// Package oidc knows people by what an identity provider says about them in ID tokens of OpenID Connect.
//
// A token counts that the provider signed, for Salvor, and that is not over. Whose it is: somebody who is listed with its subject; else, where
// that is switched on, somebody who is listed with its verified email; else somebody who is not listed, whose role and groups come from the
// groups in the token. Nobody gets the name of somebody who is listed by claiming it. Names can change at
// a provider; the subject does not, and tells people apart.
//
// A token comes as the bearer token of a call (Provider.Identify), by a login in the browser (Login), or by salvor login (Flow). When the
// provider is down, tokens count on whose keys are known.
package oidc
