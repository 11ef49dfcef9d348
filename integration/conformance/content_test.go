package conformance

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	api "github.com/containerd/containerd/api/services/content/v1"
	"github.com/containerd/containerd/content"
	"github.com/containerd/containerd/content/proxy"
	"github.com/containerd/containerd/content/testsuite"
	"github.com/containerd/containerd/errdefs"
	"github.com/containerd/containerd/metadata"
	"github.com/containerd/containerd/namespaces"
	bolt "go.etcd.io/bbolt"
	"google.golang.org/grpc"
)

func dial(t *testing.T) content.Store {
	conn, err := grpc.Dial("unix://"+os.Getenv("STORE_SOCK"), grpc.WithInsecure(),
		grpc.WithContextDialer(func(ctx context.Context, a string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", os.Getenv("STORE_SOCK"))
		}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(16<<20), grpc.MaxCallSendMsgSize(16<<20)))
	if err != nil {
		t.Fatal(err)
	}
	return proxy.NewContentStore(api.NewContentClient(conn))
}

func wipe(cs content.Store) error {
	ctx := context.Background()
	sts, err := cs.ListStatuses(ctx)
	if err != nil {
		return err
	}
	for _, s := range sts {
		if err := cs.Abort(ctx, s.Ref); err != nil && !errdefs.IsNotFound(err) {
			return err
		}
	}
	return cs.Walk(ctx, func(i content.Info) error { return cs.Delete(ctx, i.Digest) })
}

func TestRaw(t *testing.T) {
	cs := dial(t)
	testsuite.ContentSuite(t, "proxy", func(ctx context.Context, root string) (context.Context, content.Store, func() error, error) {
		return ctx, cs, func() error { return wipe(cs) }, nil
	})
}

func meta(t *testing.T, cs content.Store, opts ...metadata.DBOpt) testsuite.StoreInitFn {
	return func(ctx context.Context, root string) (context.Context, content.Store, func() error, error) {
		db, err := bolt.Open(filepath.Join(root, "meta.db"), 0600, nil)
		if err != nil {
			return nil, nil, nil, err
		}
		var n uint64
		name := testsuite.Name(ctx)
		ctx = testsuite.SetContextWrapper(ctx, func(ctx context.Context) (context.Context, func(context.Context) error, error) {
			return namespaces.WithNamespace(ctx, fmt.Sprintf("%s-n%d", name, atomic.AddUint64(&n, 1))), func(context.Context) error { return nil }, nil
		})
		return ctx, metadata.NewDB(db, cs, nil, opts...).ContentStore(), func() error { db.Close(); return wipe(cs) }, nil
	}
}

func TestMeta(t *testing.T) {
	cs := dial(t)
	testsuite.ContentSuite(t, "meta", meta(t, cs))
	testsuite.ContentCrossNSSharedSuite(t, "meta", meta(t, cs))
	testsuite.ContentCrossNSIsolatedSuite(t, "meta", meta(t, cs, metadata.WithPolicyIsolated))
}
