package azurite

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

const (
	tenantID = "7d3a1f62-8a0e-4f0b-9a54-5f1f0c6f2b11" // any will do; Azurite looks at the issuer's prefix only
	objectID = "c1a9e0b4-63d2-4c7e-8a1f-2e6b7d905a33"
)

// Token returns a credential whose tokens a server started with OAuth accepts.
// Each token is new and valid for an hour.
func (s *Server) Token() azcore.TokenCredential { return tokenCredential{} }

type tokenCredential struct{}

// GetToken makes an unsigned token: Azurite reads the claims and checks no signature.
func (tokenCredential) GetToken(ctx context.Context, _ policy.TokenRequestOptions) (azcore.AccessToken, error) {
	if err := ctx.Err(); err != nil {
		return azcore.AccessToken{}, err
	}
	now := time.Now()
	expires := now.Add(time.Hour)
	claims, err := json.Marshal(map[string]any{
		"aud": "https://storage.azure.com/",
		"iss": "https://sts.windows.net/" + tenantID + "/",
		"iat": now.Unix(),
		"nbf": now.Add(-5 * time.Minute).Unix(),
		"exp": expires.Unix(),
		"oid": objectID,
		"sub": objectID,
		"tid": tenantID,
	})
	if err != nil {
		return azcore.AccessToken{}, fmt.Errorf("azurite: token: %w", err)
	}
	part := base64.RawURLEncoding.EncodeToString
	token := part([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + part(claims) + "."
	return azcore.AccessToken{Token: token, ExpiresOn: expires.UTC()}, nil
}
